//! Single sign-on (API-2): members sign in at the OpenID Connect provider of their organisation.
//!
//! A client of OpenID Connect Core 1.0 with Discovery, RP-Initiated and Back-Channel Logout. It believes of a provider only what it
//! has signed, for this client and this browser, not too long ago; whatever else it says is an error with a name, and
//! nothing is done. Sessions are `node/access`'s, members the directory's. Called by `node/http/oauth` and the admin API.

mod attempt;
mod error;
mod identity;
mod jwt;
mod keys;
mod link;
mod logout;
mod openid;
mod options;
mod provider;
mod record;
mod settings;
mod sign_in;

pub use attempt::{Departure, Wish};
pub use error::{Fault, OpenIdError};
pub use link::LinkedIdentity;
pub use openid::OpenId;
pub use options::OpenIdOptions;
pub use provider::Checked;
pub use record::PROVIDER_SECRETS;
pub use settings::{ProviderChange, ProviderSettings};
pub use sign_in::{Arrival, Arrived};

/// Where providers send browsers back to.
pub const CALLBACK_PATH: &str = "/sso/callback";
/// Where providers tell of sessions that are over; the organisation's number follows.
pub const LOGOUT_PATH: &str = "/sso/back-channel-logout";
