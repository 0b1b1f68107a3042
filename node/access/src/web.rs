//! Sessions of the web client and the API: password, second factor, then a token that a browser keeps as a cookie.
//!
//! A session is a record in the store under a hash of its token, so every node knows it and its end reaches all. It holds as
//! long as the password it began with. Until the second factor has been shown, a forced password changed, or a factor that is
//! demanded set up, it opens nothing but the way there. Used by `node/http/front` and the admin API.

mod approval;
mod bell;
mod device;
mod factor;
mod participant;
mod password;
mod phone;
mod reach;
mod record;
mod recovery;
mod session;
mod sign_in;
mod terms;

use std::net::IpAddr;
use std::sync::Arc;

use hongyan_directory::{AccountRecord, Login};
use hongyan_sasl::Secret;
use hongyan_types::Timestamp;

use crate::SessionId;

pub(crate) use approval::waiting_key;
use record::SessionRecord;
pub(crate) use record::{TokenHash, devices};
pub(crate) use session::{Found, hash};

pub use approval::{Approval, AskedApproval};
pub(crate) use bell::Bells;
pub use bell::{ApprovalWatch, Doorbell};
pub use device::TrustedDevice;
pub use participant::Participant;
pub use reach::Reach;
pub use recovery::{Recovery, RecoveryWay};
pub use session::is_web_token;
pub use sign_in::WebProof;
pub use terms::AskedTerms;

/// The name under which a browser keeps the token of its session. Its prefix makes browsers refuse to take it from anybody
/// but this host, over TLS.
pub const SESSION_COOKIE: &str = "__Host-hongyan-session";
/// The name under which a browser keeps what makes it a trusted device.
pub const DEVICE_COOKIE: &str = "__Host-hongyan-device";

/// What a browser is told to keep: where scripts do not see it, over TLS only, and pages of other sites do not send it.
#[must_use]
pub fn cookie(name: &str, value: &str, secs: u64) -> String {
    format!("{name}={value}; Path=/; Max-Age={secs}; Secure; HttpOnly; SameSite=Lax")
}

/// Someone who has not signed in, or not wholly, as the entry of the network sees them.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The address.
    pub peer: IpAddr,
    /// What the browser calls itself.
    pub client: String,
    /// The token of a session, if one is shown.
    pub token: Option<Secret>,
    /// What a trusted device keeps, if it is shown.
    pub device: Option<Secret>,
}

/// Where someone comes from, and with what.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'v> {
    /// The address.
    pub peer: IpAddr,
    /// What the browser calls itself.
    pub client: &'v str,
    /// The token of a trusted device, if it has one.
    pub device: Option<&'v str>,
}

/// What a session still lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The second factor has to be shown.
    SecondFactor,
    /// The password has to be changed (AUTH-10).
    ChangePassword,
    /// There are terms that have to be accepted (AUTH-29).
    AcceptTerms,
    /// A second factor is demanded and has to be set up.
    SetUpSecondFactor,
    /// Nothing.
    SignedIn,
}

impl Stage {
    fn of(login: &Login, session: &SessionRecord, now: Timestamp) -> Self {
        let factors = &login.factors;
        let is_vouched = session.vouched == Some(true);
        if factors.has_second_factor() && !session.second_done {
            Self::SecondFactor
        } else if factors.must_change {
            Self::ChangePassword
        } else if !login.terms_missing().is_empty() {
            Self::AcceptTerms
        } else if !is_vouched && login.second_factor_due().is_some_and(|due| due <= now) {
            Self::SetUpSecondFactor
        } else {
            Self::SignedIn
        }
    }
    /// A stable word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::SecondFactor => "second-factor",
            Self::ChangePassword => "change-password",
            Self::AcceptTerms => "accept-terms",
            Self::SetUpSecondFactor => "set-up-second-factor",
            Self::SignedIn => "signed-in",
        }
    }
}

/// A session, as its owner sees it.
#[derive(Debug, Clone)]
pub struct WebSession {
    /// Its name among all sessions.
    pub id: SessionId,
    /// Whose.
    pub account: Arc<AccountRecord>,
    /// What it still lacks.
    pub stage: Stage,
    /// The name that was typed: it may be an alias (AUTH-1).
    pub name: String,
    /// From where it was used last.
    pub peer: String,
    /// What the browser calls itself.
    pub client: String,
    /// When it began.
    pub created: Timestamp,
    /// When it was used last, to within a minute.
    pub seen: Timestamp,
    /// When it ends at the latest.
    pub end: Timestamp,
    /// When its owner last proved to be themselves (AUTH-25).
    pub proved: Timestamp,
    /// Until when a second factor has to be set up, where one is demanded and there is none.
    pub set_up_until: Option<Timestamp>,
}

/// A session that has begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// What the browser keeps.
    pub token: Secret,
    /// The session.
    pub session: WebSession,
}

/// A second factor that was right.
#[derive(Debug, Clone)]
pub struct Passed {
    /// The session as it is now.
    pub session: WebSession,
    /// What a device that is trusted from now on keeps.
    pub device: Option<Secret>,
}

#[cfg(test)]
#[path = "web_test.rs"]
mod tests;
