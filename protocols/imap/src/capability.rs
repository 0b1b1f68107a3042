//! What the server can do (RFC 9051 §7.2.2) and what a client has enabled (RFC 5161).

use crate::{Output, Settings, State};

/// An extension a client may ENABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// CONDSTORE (RFC 7162 §3.1)
    CondStore,
    /// QRESYNC (RFC 7162 §3.2), which includes CONDSTORE
    QResync,
    /// UTF8=ACCEPT (RFC 9755)
    Utf8Accept,
    /// IMAP4rev2 (RFC 9051 §6.3.1)
    Imap4Rev2,
}

impl Extension {
    /// Every extension with its name.
    pub const NAMES: [(Self, &'static str); 4] = [
        (Self::CondStore, "CONDSTORE"),
        (Self::QResync, "QRESYNC"),
        (Self::Utf8Accept, "UTF8=ACCEPT"),
        (Self::Imap4Rev2, "IMAP4rev2"),
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CondStore => "CONDSTORE",
            Self::QResync => "QRESYNC",
            Self::Utf8Accept => "UTF8=ACCEPT",
            Self::Imap4Rev2 => "IMAP4rev2",
        }
    }
}

/// What the client of a session enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Enabled {
    /// CONDSTORE, by ENABLE or by using it.
    pub cond_store: bool,
    /// QRESYNC.
    pub q_resync: bool,
    /// UTF8=ACCEPT.
    pub utf8_accept: bool,
    /// IMAP4rev2.
    pub imap4_rev2: bool,
}

impl Enabled {
    /// Enables `extension`; true when it was not enabled before.
    pub fn enable(&mut self, extension: Extension) -> bool {
        let before = *self;
        match extension {
            Extension::CondStore => self.cond_store = true,
            Extension::QResync => {
                self.q_resync = true;
                self.cond_store = true;
            }
            Extension::Utf8Accept => self.utf8_accept = true,
            Extension::Imap4Rev2 => self.imap4_rev2 = true,
        }
        before != *self
    }
    /// Whether mailbox names are UTF-8 on the wire.
    #[must_use]
    pub fn utf8(self) -> bool {
        self.utf8_accept || self.imap4_rev2
    }
}

/// Offered in every state after login.
const AFTER_LOGIN: &str = " IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED \
LIST-STATUS STATUS=SIZE MULTIAPPEND BINARY ESEARCH SEARCHRES WITHIN SORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES \
CONDSTORE QRESYNC QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE SAVEDATE OBJECTID PREVIEW REPLACE UTF8=ACCEPT \
ACL RIGHTS=texk";

/// Writes the names, without the word CAPABILITY.
pub(crate) fn write(out: &mut Output, settings: &Settings, state: State, compressed: bool) {
    out.raw(b"IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE");
    if state == State::NotAuthenticated {
        if settings.starttls {
            out.raw(b" STARTTLS");
        }
        if settings.login_disabled {
            out.raw(b" LOGINDISABLED");
        }
        for mechanism in &settings.mechanisms {
            out.raw(b" AUTH=");
            out.text(mechanism);
        }
        return;
    }
    out.text(AFTER_LOGIN);
    out.raw(b" APPENDLIMIT=");
    out.number(settings.limits.append_octets_max);
    if !compressed {
        out.raw(b" COMPRESS=DEFLATE");
    }
}
