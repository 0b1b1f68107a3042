//! Status responses and their codes (RFC 9051 §7.1, RFC 5530, RFC 4315, RFC 7162, RFC 8474).

use crate::{Condition, Output, Ranges};

/// Response code: the part for programs.
#[derive(Debug, Clone, PartialEq)]
pub enum Code {
    /// People must see the text.
    Alert,
    /// Mailbox exists already.
    AlreadyExists,
    /// UIDVALIDITY and UIDs of appended messages (RFC 4315 §3).
    AppendUid(u32, Ranges),
    /// Wrong credentials.
    AuthenticationFailed,
    /// Right credentials, but not for this.
    AuthorizationFailed,
    /// Charsets we know.
    BadCharset,
    /// Never possible.
    Cannot,
    /// The client is at fault.
    ClientBug,
    /// The mailbox that was selected is no longer (RFC 7162 §3.2.11).
    Closed,
    /// Already compressing (RFC 4978 §3).
    CompressionActive,
    /// Ask the administrator.
    ContactAdmin,
    /// UIDVALIDITY, source and target UIDs of copied messages (RFC 4315 §3).
    CopyUid(u32, Ranges, Ranges),
    /// Data is damaged.
    Corruption,
    /// Messages named were expunged by another session.
    ExpungeIssued,
    /// Password too old.
    Expired,
    /// Mailbox has children.
    HasChildren,
    /// Highest modseq of the mailbox (RFC 7162 §3.1.2.1).
    HighestModSeq(u64),
    /// In use by another.
    InUse,
    /// Too much of something.
    Limit,
    /// Identifier of a mailbox (RFC 8474 §4.1).
    MailboxId(String),
    /// Messages that UNCHANGEDSINCE kept from being stored (RFC 7162 §3.1.3).
    Modified(Ranges),
    /// No such mailbox.
    NonExistent,
    /// No modseqs here.
    NoModSeq,
    /// Not allowed.
    NoPerm,
    /// The search result was not saved (RFC 5182 §2.1).
    NotSaved,
    /// Over quota.
    OverQuota,
    /// Cannot be parsed.
    Parse,
    /// Flags that can be stored; `true` adds `\*`.
    PermanentFlags(Vec<String>, bool),
    /// Only with TLS.
    PrivacyRequired,
    /// Selected read-only.
    ReadOnly,
    /// Selected read-write.
    ReadWrite,
    /// We are at fault.
    ServerBug,
    /// Literal or line too big.
    TooBig,
    /// CREATE would help.
    TryCreate,
    /// Next UID.
    UidNext(u32),
    /// UIDs do not last.
    UidNotSticky,
    /// Generation of the UIDs.
    UidValidity(u32),
    /// First message without \Seen (RFC 3501 §7.1).
    Unseen(u32),
    /// Not now.
    Unavailable,
    /// Cannot be decoded (RFC 3516 §4.3).
    UnknownCte,
    /// No such special use (RFC 6154 §3).
    UseAttr,
}

impl Code {
    fn word(&self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AppendUid(..) => "APPENDUID",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::BadCharset => "BADCHARSET (US-ASCII UTF-8)",
            Self::Cannot => "CANNOT",
            Self::ClientBug => "CLIENTBUG",
            Self::Closed => "CLOSED",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::CopyUid(..) => "COPYUID",
            Self::Corruption => "CORRUPTION",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::Expired => "EXPIRED",
            Self::HasChildren => "HASCHILDREN",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::MailboxId(_) => "MAILBOXID",
            Self::Modified(_) => "MODIFIED",
            Self::NonExistent => "NONEXISTENT",
            Self::NoModSeq => "NOMODSEQ",
            Self::NoPerm => "NOPERM",
            Self::NotSaved => "NOTSAVED",
            Self::OverQuota => "OVERQUOTA",
            Self::Parse => "PARSE",
            Self::PermanentFlags(..) => "PERMANENTFLAGS",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TryCreate => "TRYCREATE",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidNotSticky => "UIDNOTSTICKY",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unseen(_) => "UNSEEN",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::UseAttr => "USEATTR",
        }
    }

    /// Writes `[CODE ...]`.
    pub(crate) fn write(&self, out: &mut Output) {
        out.raw(b"[");
        out.text(self.word());
        match self {
            Self::AppendUid(validity, uids) => {
                out.raw(b" ");
                out.number32(*validity);
                out.raw(b" ");
                uids.write(out);
            }
            Self::CopyUid(validity, from, to) => {
                out.raw(b" ");
                out.number32(*validity);
                out.raw(b" ");
                from.write(out);
                out.raw(b" ");
                to.write(out);
            }
            Self::HighestModSeq(number) => {
                out.raw(b" ");
                out.number(*number);
            }
            Self::MailboxId(id) => {
                out.raw(b" (");
                out.text(id);
                out.raw(b")");
            }
            Self::Modified(set) => {
                out.raw(b" ");
                set.write(out);
            }
            Self::PermanentFlags(flags, any) => {
                out.raw(b" (");
                out.text(&flags.join(" "));
                if *any {
                    out.raw(if flags.is_empty() { b"\\*" } else { b" \\*" });
                }
                out.raw(b")");
            }
            Self::UidNext(number) | Self::UidValidity(number) | Self::Unseen(number) => {
                out.raw(b" ");
                out.number32(*number);
            }
            _ => {}
        }
        out.raw(b"]");
    }
}

/// A status response without its tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// OK, NO or BAD.
    pub condition: Condition,
    /// For programs.
    pub code: Option<Code>,
    /// For people; one line.
    pub text: String,
}

impl Status {
    /// OK.
    #[must_use]
    pub fn ok(text: impl Into<String>) -> Self {
        Self {
            condition: Condition::Ok,
            code: None,
            text: text.into(),
        }
    }
    /// OK with a code.
    #[must_use]
    pub fn ok_with(code: Code, text: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::ok(text)
        }
    }
    /// NO.
    #[must_use]
    pub fn no(text: impl Into<String>) -> Self {
        Self {
            condition: Condition::No,
            ..Self::ok(text)
        }
    }
    /// NO with a code.
    #[must_use]
    pub fn no_with(code: Code, text: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::no(text)
        }
    }
    /// BAD.
    #[must_use]
    pub fn bad(text: impl Into<String>) -> Self {
        Self {
            condition: Condition::Bad,
            ..Self::ok(text)
        }
    }

    /// Writes the response after `tag` (`*` for an untagged one).
    pub(crate) fn write(&self, out: &mut Output, tag: &[u8]) {
        out.raw(tag);
        out.raw(b" ");
        out.text(self.condition.word());
        out.raw(b" ");
        if let Some(code) = &self.code {
            code.write(out);
            out.raw(b" ");
        }
        // A line break here would forge a response.
        for piece in self.text.split(['\r', '\n', '\0']) {
            out.text(piece);
        }
        out.crlf();
    }
}

impl From<crate::Refusal> for Status {
    fn from(refusal: crate::Refusal) -> Self {
        Self {
            condition: refusal.condition,
            code: refusal.code,
            text: refusal.text.into_owned(),
        }
    }
}

impl Output {
    /// An untagged status response.
    pub fn untagged(&mut self, status: &Status) {
        status.write(self, b"*");
    }

    /// `* BYE`: the connection closes.
    pub fn bye(&mut self, text: &str) {
        self.raw(b"* BYE ");
        self.text(text);
        self.crlf();
    }
}
