//! The ways in that can be closed, for an account, for an app password, for an organisation (ACC-15, AUTH-21, LGN-1).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// Sending with a client.
    Submission,
    /// JMAP and other programs over HTTPS.
    Http,
    /// The web client and the console.
    Web,
    /// The directory for mail clients.
    Ldap,
    /// Exchange ActiveSync, for phones.
    ActiveSync,
}

impl Protocol {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Imap,
        Self::Pop3,
        Self::Submission,
        Self::Http,
        Self::Web,
        Self::Ldap,
        Self::ActiveSync,
    ];
    /// Those of mail clients: what an app password may open (AUTH-21).
    pub const CLIENTS: [Self; 6] = [
        Self::Imap,
        Self::Pop3,
        Self::Submission,
        Self::Http,
        Self::Ldap,
        Self::ActiveSync,
    ];
    /// Those that stay closed in an organisation until it opens them (ACC-4).
    pub const CLOSED_AT_FIRST: [Self; 1] = [Self::ActiveSync];

    /// Short name for metrics, logs and the admin API.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission => "submission",
            Self::Http => "http",
            Self::Web => "web",
            Self::Ldap => "ldap",
            Self::ActiveSync => "active-sync",
        }
    }
    /// How it is stored.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Imap => 0,
            Self::Pop3 => 1,
            Self::Submission => 2,
            Self::Http => 3,
            Self::Web => 4,
            Self::Ldap => 5,
            Self::ActiveSync => 6,
        }
    }
    /// `None` for one of a later release.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.number() == number)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Submission => "sending with mail clients",
            Self::Http => "HTTPS",
            Self::Web => "the web client",
            Self::Ldap => "LDAP",
            Self::ActiveSync => "ActiveSync",
        })
    }
}
