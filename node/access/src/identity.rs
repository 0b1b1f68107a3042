//! Who someone proved to be, by what, and by which way they come.

use std::sync::Arc;

use hongyan_directory::{AccountRecord, Credential, Login, Protocol};

/// What someone proved to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The account's password, as a [`fingerprint`].
    Password([u8; 16]),
    /// An app password.
    AppPassword {
        id: u32,
        read_only: bool,
        /// When it ends, in milliseconds since the Unix epoch.
        until_millis: Option<i64>,
    },
    /// An access token of a mail client's (OAuth).
    Grant {
        /// What the token came of.
        id: u64,
        /// The password under which it was granted, as a [`fingerprint`].
        credential: [u8; 16],
        read_only: bool,
        until_millis: i64,
    },
    /// The token of a web session.
    Web {
        id: u64,
        /// The password that it began with, as a [`fingerprint`].
        credential: [u8; 16],
        until_millis: i64,
        /// When its owner last proved to be themselves.
        proved_millis: i64,
        /// When they last showed a code sent to their phone.
        texted_millis: Option<i64>,
    },
}

impl Proof {
    pub(crate) fn until_millis(self) -> Option<i64> {
        match self {
            Self::Password(_) => None,
            Self::AppPassword { until_millis, .. } => until_millis,
            Self::Web { until_millis, .. } | Self::Grant { until_millis, .. } => Some(until_millis),
        }
    }
}

/// Someone who signed in.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Their account as it was then.
    pub account: Arc<AccountRecord>,
    /// The way they come.
    pub(crate) protocol: Protocol,
    /// What they proved.
    pub(crate) proof: Proof,
}

impl Identity {
    pub(crate) fn new(protocol: Protocol, login: &Login, proof: Proof) -> Self {
        Self {
            account: Arc::clone(&login.account),
            protocol,
            proof,
        }
    }
    /// When they last proved to be themselves, in milliseconds since the Unix epoch; `None` for whoever shows the password
    /// with each request.
    #[must_use]
    pub fn proved_millis(&self) -> Option<i64> {
        match self.proof {
            Proof::Web { proved_millis, .. } => Some(proved_millis),
            Proof::Password(_) | Proof::AppPassword { .. } | Proof::Grant { .. } => None,
        }
    }
    /// Whether they may look and change nothing.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(
            self.proof,
            Proof::AppPassword { read_only: true, .. } | Proof::Grant { read_only: true, .. }
        )
    }
    /// Whether they came with an app password, or a mail client's token: good for mail, not for the web client or the console (AUTH-21).
    #[must_use]
    pub fn is_app(&self) -> bool {
        matches!(self.proof, Proof::AppPassword { .. } | Proof::Grant { .. })
    }
}

/// Tells a credential from its successors: the hash has its own salt, so even the same password set again is another.
pub(crate) fn fingerprint(credential: &Credential) -> [u8; 16] {
    let mut short = [0; 16];
    let mut hasher = blake3::Hasher::new();
    hasher.update(credential.password_hash.as_bytes());
    hasher.finalize_xof().fill(&mut short);
    short
}

/// What web sessions and grants hold as long as it stays the same: the password; for an account that has none, that it has
/// none.
pub(crate) fn standing_of(login: &Login) -> [u8; 16] {
    login.credential.as_deref().map(fingerprint).unwrap_or_default()
}

/// A SCRAM exchange under way: whose, and over which secrets its keys were handed out.
#[derive(Debug, Clone)]
pub struct ScramAttempt {
    pub(crate) name: String,
    /// What each of the keys proves; none when nobody has the name.
    pub(crate) secrets: Vec<ScramSecret>,
}

/// One of the secrets that a SCRAM exchange may prove.
#[derive(Debug, Clone)]
pub(crate) enum ScramSecret {
    Password(Arc<Credential>),
    AppPassword(u32),
}
