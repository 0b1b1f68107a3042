//! Single sign-on (API-2): members sign in at the OpenID Connect provider of their organisation.
//!
//! A client of OpenID Connect Core 1.0 with Discovery, RP-Initiated and Back-Channel Logout. It believes of a provider only what it
//! has signed, for this client and this browser, not too long ago; whatever else it says is an error with a name, and
//! nothing is done. Whom another kind of provider names (`node/saml`) is linked and let in here, too. Sessions are `node/access`'s, members the directory's. Called by `node/http/oauth` and the admin API.

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

pub use attempt::{Attempt, Departure, Underway, Wish};
pub use error::{Fault, OpenIdError};
pub use identity::{Identity, Vouched};
pub use link::LinkedIdentity;
pub use openid::OpenId;
pub use options::OpenIdOptions;
pub use provider::{Checked, form};
pub use record::PROVIDER_SECRETS;
pub use settings::{Admission, ProviderChange, ProviderSettings, forget_provider};
pub use sign_in::{Arrival, Arrived, Comer};

/// Where providers send browsers back to.
pub const CALLBACK_PATH: &str = "/sso/callback";
/// Where providers tell of sessions that are over; the organisation's number follows.
pub const LOGOUT_PATH: &str = "/sso/back-channel-logout";
