//! Who someone proved to be, and by which way they come.

use std::fmt;
use std::sync::Arc;

use hongyan_directory::{AccountRecord, AccountSettings};

/// A way in that can be closed for an account (ACC-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// Sending with a client.
    Submission,
}

impl Protocol {
    pub(crate) fn is_open(self, settings: &AccountSettings) -> bool {
        match self {
            Self::Imap => settings.imap,
            Self::Pop3 => settings.pop3,
            Self::Submission => settings.submission,
        }
    }
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission => "submission",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Submission => "sending with mail clients",
        })
    }
}

/// Someone who signed in.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Their account as it was then.
    pub account: Arc<AccountRecord>,
}
