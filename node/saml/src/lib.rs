//! Single sign-on (API-2) by SAML 2.0, both ways: members sign in at the identity provider of their organisation, and here for its
//! applications (`application`).
//!
//! A service provider of the Web Browser SSO Profile: requests by HTTP-Redirect, responses by HTTP-POST. It reads nothing but
//! the octets that a configured key has signed, after they were made canonical; whatever else a provider says is an error with a
//! name, and nothing is done. Whoever signs out is signed out on the other side, too (`logout`). Who comes in then is decided where OpenID Connect decides it (`node/openid`), and sessions are
//! `node/access`'s. Called by `node/http/oauth` and the admin API.

mod application;
mod certificate;
mod error;
mod logout;
mod metadata;
mod options;
mod record;
mod request;
mod response;
mod saml;
mod settings;
mod sign_in;
mod signature;
mod xml;

pub use application::{
    Application, ApplicationChange, ApplicationView, AuthnRequest, CONTINUE_PATH, Comparison, Consumer,
    DescribedApplication, Errand, Fact, Incoming, KEY_SECRETS, NameId, Post, Refusal, ShownKey, Taken, Told,
    read_application, read_request,
};
pub use certificate::Shown;
pub use error::{Fault, SamlError};
pub use logout::{
    Counterpart, LEAVE_COOKIE, LEAVE_PATH, Left, LogoutRequest, LogoutResponse, Move, NameIdentifier, Party, Sent,
    SignOutPlace, Step, read_logout_request, read_logout_response,
};
pub use metadata::Described;
pub use options::SamlOptions;
pub use response::{Expected, Said, read as read_response};
pub use saml::{Registration, Saml};
pub use settings::{ProviderChange, ProviderSettings, View};
pub use sign_in::Received;

pub use certificate::Certificate;

/// Below it each organisation has its own place, by its number.
pub const PATH: &str = "/sso/saml";
/// Where a browser whose response was taken goes on.
pub const ARRIVE_PATH: &str = "/sso/saml/arrive";
