//! Who someone proved to be, and by which way they come.

use std::fmt;
use std::sync::Arc;

use hongyan_directory::{AccountRecord, AccountSettings, Credential, Login};

/// A way in that can be closed for an account (ACC-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// Sending with a client.
    Submission,
    /// JMAP and whatever else comes over HTTPS.
    Http,
}

impl Protocol {
    pub(crate) fn is_open(self, settings: &AccountSettings) -> bool {
        match self {
            Self::Imap => settings.imap,
            Self::Pop3 => settings.pop3,
            Self::Submission => settings.submission,
            // ACC-15 names the protocols of clients that can be closed; this one is also the way to the settings.
            Self::Http => true,
        }
    }
    /// Short name for metrics, logs and the admin API.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission => "submission",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Submission => "sending with mail clients",
            Self::Http => "HTTPS",
        })
    }
}

/// Someone who signed in.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Their account as it was then.
    pub account: Arc<AccountRecord>,
    /// The way they come.
    pub(crate) protocol: Protocol,
    /// What they proved, as a [`fingerprint`].
    pub(crate) credential: [u8; 16],
}

impl Identity {
    pub(crate) fn new(protocol: Protocol, login: &Login, credential: &Credential) -> Self {
        Self {
            account: Arc::clone(&login.account),
            protocol,
            credential: fingerprint(credential),
        }
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

/// A SCRAM exchange under way: whose, and over which credential its keys were handed out.
#[derive(Debug, Clone)]
pub struct ScramAttempt {
    pub(crate) name: String,
    /// `None` when nobody has the name.
    pub(crate) credential: Option<Arc<Credential>>,
}
