//! Sign-in: password hashes, SCRAM keys, limits and lockout; who is signed in now, and the end of it.
//!
//! Owns the question "is this who they say, and may they come in this way now". Hashing runs on a bounded pool off the
//! arbiters; a credential verified lately is remembered as a keyed hash, so that returning clients are cheap. Unknown
//! accounts cost and answer the same as wrong passwords. Locks, lists of sessions and their end hold on all nodes of a
//! cluster; the number of an account's sessions is limited on each. Called by the sessions and the admin API.

mod access;
mod app_password;
mod elsewhere;
mod error;
mod failures;
#[cfg(test)]
mod fixture;
mod following;
mod hashing;
mod identity;
mod join;
mod letter;
mod login_log;
mod notice;
mod oauth;
mod options;
mod outside;
mod passkey;
mod password_rules;
pub mod permission;
mod person;
mod place;
mod policy;
mod remembered;
mod revocation;
mod second_factor;
mod secret_text;
mod sent_code;
mod sessions;
mod shared_failures;
mod texting;
mod token;
mod totp;
mod unusual;
mod web;
mod wire;

pub use access::Access;
pub use app_password::{LastUse, MadeAppPassword, NewAppPassword};
pub use elsewhere::{Elsewhere, Everywhere};
pub use error::AccessError;
pub use hongyan_directory::Protocol;
pub use identity::{Identity, ScramAttempt};
pub use join::{JoinEnd, JoinError, JoinOffer, JoinWish};
pub use login_log::{LoginEntry, LoginFilter, LoginPage, LoginPlace, LoginsOf, Way};
pub use oauth::{
    AuthorizationRequest, Claim, CodeShown, Decider, DeviceAsk, DeviceOffer, Hint, NewOauthClient, OauthClient,
    OauthError, OauthGrant, Party, Person, Present, SIGNING_SECRETS, Scope, SignIn, TokenView, Tokens, is_access_token,
};
pub use options::AccessOptions;
pub use outside::{OutsidePassword, OutsidePasswords};
pub use passkey::{AddedPasskey, PasskeyError, PasskeyView};
pub use password_rules::{PasswordOwner, PasswordRule, PasswordRules};
pub use person::forget_person;
pub use place::{Place, Places, PlacesError};
pub use second_factor::{SecondProof, TotpOffer};
pub use sessions::{
    NotASessionId, REVOKED_GRACE, Revocation, SessionFilter, SessionId, SessionInfo, SessionPermit, SessionWatch,
};
pub use texting::{TextError, TextGateway, TextInvitation, TextMessage};
pub use token::{NewTokenText, TokenError, is_token};
pub use web::{
    Approval, ApprovalWatch, AskedApproval, AskedTerms, Begun, DEVICE_COOKIE, Doorbell, Guest, Participant, Passed,
    Reach, Recovery, RecoveryWay, SESSION_COOKIE, Stage, TrustedDevice, Visit, WebProof, WebSession, cookie,
    is_web_token,
};
