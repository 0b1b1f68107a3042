//! Tokens for mail clients (OAuth 2.1): a member lets a client in once, in the browser, and may take that back at any time.
//!
//! What was let in is a grant: a record in the store that every node knows. It has one refresh token at a time and a few
//! access tokens, all random and kept as keyed hashes. A refresh token that is shown a second time, or a code, was stolen
//! from somebody: the grant ends, and with it all tokens and sessions that came of it, on all nodes (RFC 9700 §4.14.2).
//! Grants end with the password under which they were given. Used by `node/http/oauth`, the sessions and the admin API.

mod client;
mod code;
mod device;
mod grant;
mod identity;
mod record;
mod scope;
mod signing;
mod token;

use hongyan_kv::Tuple;
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::{AccessError, Stage};

pub use client::{NewOauthClient, OauthClient, Party};
pub use code::{AuthorizationRequest, CodeShown};
pub(crate) use device::Beginners;
pub use device::{DeviceAsk, DeviceOffer};
pub use identity::{Hint, Person, Present};
pub use scope::{Claim, Scope};
pub use signing::SIGNING_SECRETS;
pub use token::{TokenView, is_access_token};

/// Why a client's wish is not granted, in the words of RFC 6749 §5.2, RFC 8628 §3.5 and RFC 7591.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// Something is missing or malformed.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// Nobody registered the client.
    #[error("the client is not registered")]
    InvalidClient,
    /// The code or token is not good, or no longer.
    #[error("the code or token is not valid, has expired, was used before or belongs to another client")]
    InvalidGrant,
    /// The keys to vouch for members with cannot be read.
    #[error("the server cannot vouch for members at the moment: {0}")]
    Sealed(#[from] hongyan_seal::SealError),
    /// A scope that the client may not have, or that does not exist.
    #[error("the scope is unknown, or more than the client may have")]
    InvalidScope,
    /// The member has said no.
    #[error("access was denied")]
    AccessDenied,
    /// The member has not decided yet.
    #[error("the member has not decided yet")]
    AuthorizationPending,
    /// The client asks too often.
    #[error("ask less often")]
    SlowDown,
    /// The member has not decided in time.
    #[error("the code has expired")]
    ExpiredToken,
    /// Sign-in failed.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl OauthError {
    /// The registered word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::Sealed(_) => "temporarily_unavailable",
            Self::Access(error) if error.is_temporary() => "temporarily_unavailable",
            Self::Access(_) => "access_denied",
        }
    }
}

impl From<hongyan_directory::Error> for OauthError {
    fn from(error: hongyan_directory::Error) -> Self {
        Self::Access(error.into())
    }
}

impl From<hongyan_kv::Error> for OauthError {
    fn from(error: hongyan_kv::Error) -> Self {
        hongyan_directory::Error::from(error).into()
    }
}

impl From<hongyan_kv::record::RecordError> for OauthError {
    fn from(error: hongyan_kv::record::RecordError) -> Self {
        hongyan_directory::Error::from(error).into()
    }
}

/// What a client gets.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Opens mail.
    pub access: Secret,
    /// How long, in seconds.
    pub access_secs: u64,
    /// Good once, for the next two.
    pub refresh: Secret,
    /// What for.
    pub scope: Scope,
    /// Who gave them.
    pub account: AccountId,
    /// What the client knows the answer by.
    pub nonce: Option<String>,
    /// How they had signed in.
    pub sign_in: Option<SignIn>,
}

/// How a member had signed in who let a client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// When they last proved who they are.
    pub proved: Timestamp,
    /// Whether by a second factor too.
    pub by_two: bool,
}

/// Names a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantKey {
    /// Whose it is.
    pub account: AccountId,
    /// Its number: random.
    pub id: u64,
}

/// A client that a member has let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthGrant {
    /// Its number.
    pub id: u64,
    /// Whose organisation.
    pub tenant: TenantId,
    /// The client's registered name.
    pub client: String,
    /// What people call it.
    pub client_name: String,
    /// What for.
    pub scope: Scope,
    /// Since when.
    pub created: Timestamp,
    /// When it was used last, to within some minutes.
    pub used: Timestamp,
    /// From where.
    pub peer: String,
    /// When it ends unless it is used.
    pub end: Timestamp,
}

/// Someone who is signed in to the web client decides.
#[derive(Debug, Clone, Copy)]
pub struct Decider<'d> {
    /// The token of their session.
    pub token: &'d str,
    /// Where they come from.
    pub peer: std::net::IpAddr,
}

fn acc(kind: &str) -> Tuple {
    Tuple::new().string("acc").string(kind)
}

impl crate::Access {
    /// The session of whoever decides; nothing may be lacking.
    async fn looker(&self, decider: Decider<'_>) -> Result<crate::web::Found, AccessError> {
        let found = self.find_session(decider.token, decider.peer).await?;
        let stage = found.view(self.now()).stage;
        match stage {
            Stage::SignedIn => Ok(found),
            _ => Err(AccessError::Unfinished(stage)),
        }
    }

    /// Likewise, with a fresh proof: letting a client in is as delicate as making an app password (AUTH-25).
    async fn decider(&self, decider: Decider<'_>) -> Result<crate::web::Found, AccessError> {
        let found = self.looker(decider).await?;
        self.check_fresh(found.record.proved_millis)?;
        Ok(found)
    }
}

#[cfg(test)]
#[path = "oauth_test.rs"]
mod tests;
