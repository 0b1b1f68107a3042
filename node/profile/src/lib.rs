//! What members and organisations show of themselves, and how members like to work: preferences (SET-1 to SET-5), avatars
//! (SET-6), badges (SET-7), logos (ORG-3), how the page to sign in looks (LGN-2), links to other systems (API-6). Kept below `hongyan_directory::of_account` and `of_tenant`, so that it goes with its owner:
//!
//! of-account ("preferences")             record.rs
//! of-account ("avatar", part)            JPEG in parts; of-tenant ("logo", part) PNG in parts
//! of-account ("badge")                   badge.rs; of-tenant ("link", place) links.rs
//! of-tenant ("sign-in-page", domain, ..) sign_in_page.rs
//!
//! Called by `node/http/admin` and `node/http/oauth`.

mod badge;
mod error;
mod links;
mod name;
mod picture;
mod preferences;
mod profiles;
mod record;
mod sign_in_page;

pub use badge::{BADGE_PIXELS, Badge, BadgeLook};
pub use error::ProfileError;
pub use links::{Link, etag_of_links};
pub use name::sender_name;
pub use picture::{
    AVATAR_OCTETS_MAX, AVATAR_PIXELS, BACKGROUND_OCTETS_MAX, LOGO_OCTETS_MAX, LOGO_PIXELS, PictureError, avatar,
    background, logo,
};
pub use preferences::{AfterRemoving, Font, Landing, Original, Preferences, Prefix};
pub use profiles::Profiles;
pub use sign_in_page::{ShownSignInPage, SignInLayout, SignInPage, SignInPicture};
