//! Ids as JMAP shows them: those of IMAP (RFC 8474), so that both name the same things alike.

use std::fmt::Display;

use hongyan_blob::BlobAddress;
use hongyan_directory::{GroupId, Sharee};
use hongyan_jmap::Id;
use hongyan_jmap::object::PartPath;
use hongyan_mailbox::{EmailId, FolderId, PurgedId, ThreadId};
use hongyan_types::{AccountId, Timestamp};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// An id of ours: its characters are those of an [`Id`].
fn id(text: impl Display) -> Id {
    Id::try_from(text.to_string()).expect("ids of ours are ids of JMAP")
}

/// The number behind `prefix`, in the form that is written.
fn read(text: &Id, prefix: char, written: impl Fn(u64) -> String) -> Option<u64> {
    let number = u64::from_str_radix(text.as_str().strip_prefix(prefix)?, 16).ok()?;
    (written(number) == text.as_str()).then_some(number)
}

pub(crate) fn account(account: AccountId) -> Id {
    id(format_args!("A{:08x}", account.0))
}

/// A person or shared mailbox as a principal (RFC 9670).
pub(crate) fn principal(account: AccountId) -> Id {
    numbered('P', account.0)
}

pub(crate) fn read_principal(text: &Id) -> Option<AccountId> {
    read_numbered('P', text).map(AccountId)
}

pub(crate) fn group_principal(group: GroupId) -> Id {
    numbered('G', group.0)
}

pub(crate) fn read_group_principal(text: &Id) -> Option<GroupId> {
    read_numbered('G', text).map(GroupId)
}

/// With whom something is shared, as a principal.
pub(crate) fn sharee(to: Sharee) -> Id {
    match to {
        Sharee::Account(account) => principal(account),
        Sharee::Group(group) => group_principal(group),
    }
}

pub(crate) fn read_sharee(text: &Id) -> Option<Sharee> {
    let group = || read_group_principal(text).map(Sharee::Group);
    read_principal(text).map(Sharee::Account).or_else(group)
}

pub(crate) fn folder(folder: FolderId) -> Id {
    id(folder)
}

pub(crate) fn read_folder(text: &Id) -> Option<FolderId> {
    let written = |number| u32::try_from(number).map_or_else(|_| String::new(), |number| FolderId(number).to_string());
    let number = read(text, 'F', written)?;
    u32::try_from(number).ok().map(FolderId)
}

pub(crate) fn email(email: EmailId) -> Id {
    id(email)
}

pub(crate) fn read_email(text: &Id) -> Option<EmailId> {
    read(text, 'M', |number| EmailId(number).to_string()).map(EmailId)
}

pub(crate) fn thread(thread: ThreadId) -> Id {
    id(thread)
}

pub(crate) fn read_thread(text: &Id) -> Option<ThreadId> {
    read(text, 'T', |number| ThreadId(number).to_string()).map(ThreadId)
}

pub(crate) fn purged(purged: PurgedId) -> Id {
    let millis = u64::try_from(purged.at.millis).unwrap_or(0);
    id(format_args!("D{millis:012x}{:012x}", purged.email.0))
}

pub(crate) fn read_purged(text: &Id) -> Option<PurgedId> {
    let rest = text.as_str().strip_prefix('D')?;
    let (millis, email) = rest.split_at_checked(12)?;
    let millis = u64::from_str_radix(millis, 16).ok()?;
    let found = PurgedId {
        at: Timestamp {
            millis: i64::try_from(millis).ok()?,
        },
        email: EmailId(u64::from_str_radix(email, 16).ok()?),
    };
    (purged(found) == *text).then_some(found)
}

/// Records of which ids are a letter and a number.
pub(crate) fn numbered(prefix: char, number: u64) -> Id {
    id(format_args!("{prefix}{number:012x}"))
}

pub(crate) fn read_numbered(prefix: char, text: &Id) -> Option<u64> {
    read(text, prefix, |number| format!("{prefix}{number:012x}"))
}

/// Bytes that a client can fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobId {
    pub(crate) whole: BlobSource,
    /// A part of it, decoded; all of it when absent.
    pub(crate) part: Option<PartPath>,
}

/// Where bytes come from: from what the account has or has brought, never from what it knows the content of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BlobSource {
    /// A mail.
    Email(EmailId),
    /// An upload.
    Upload(BlobAddress),
}

impl From<BlobSource> for BlobId {
    fn from(whole: BlobSource) -> Self {
        Self { whole, part: None }
    }
}

impl BlobId {
    pub(crate) fn to_id(&self) -> Id {
        let whole = match &self.whole {
            BlobSource::Email(email) => format!("B{:012x}", email.0),
            BlobSource::Upload(address) => format!("U{}", URL_SAFE_NO_PAD.encode(address.0)),
        };
        match &self.part {
            None => id(whole),
            Some(path) => id(format_args!("{whole}_{}", path.to_string().replace('.', "_"))),
        }
    }
    pub(crate) fn read(text: &str) -> Option<Self> {
        let read = match text.split_at_checked(1)? {
            ("B", rest) => {
                let (number, part) = rest.split_once('_').map_or((rest, None), |(a, b)| (a, Some(b)));
                let email = EmailId(u64::from_str_radix(number, 16).ok()?);
                Self::with_part(BlobSource::Email(email), part)?
            }
            ("U", rest) => {
                // 32 octets are 43 characters, which may themselves have a `_`.
                let (address, rest) = rest.split_at_checked(43)?;
                let address = URL_SAFE_NO_PAD.decode(address).ok()?.try_into().ok()?;
                let part = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix('_')?),
                };
                Self::with_part(BlobSource::Upload(BlobAddress(address)), part)?
            }
            _ => return None,
        };
        (read.to_id().as_str() == text).then_some(read)
    }
    fn with_part(whole: BlobSource, part: Option<&str>) -> Option<Self> {
        let part = match part {
            None => None,
            Some(part) => Some(PartPath::parse(part, '_')?),
        };
        Some(Self { whole, part })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_imap_and_read_as_they_are_written() {
        assert_eq!(email(EmailId(42)).as_str(), "M00000000002a");
        assert_eq!(read_email(&email(EmailId(42))), Some(EmailId(42)));
        assert_eq!(read_thread(&thread(ThreadId(7))), Some(ThreadId(7)));
        assert_eq!(read_folder(&folder(FolderId(1))), Some(FolderId::INBOX));
        let deleted = PurgedId {
            at: Timestamp { millis: 0x12 },
            email: EmailId(3),
        };
        assert_eq!(purged(deleted).as_str(), "D000000000012000000000003");
        assert_eq!(read_purged(&purged(deleted)), Some(deleted));
        assert_eq!(read_purged(&email(EmailId(3))), None);
        for wrong in ["M2a", "T00000000002a", "M00000000002A", "M+0000000002a"] {
            assert_eq!(
                read_email(&Id::try_from(wrong).unwrap_or_else(|_| id("x"))),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn blob_ids_are_read_as_they_are_written() {
        let check = |blob: BlobId, text: &str| {
            assert_eq!(blob.to_id().as_str(), text);
            assert_eq!(BlobId::read(text), Some(blob));
        };
        check(BlobSource::Email(EmailId(42)).into(), "B00000000002a");
        let part = BlobId {
            whole: BlobSource::Email(EmailId(42)),
            part: Some(PartPath(vec![1, 12])),
        };
        check(part, "B00000000002a_1_12");
        let upload = BlobSource::Upload(BlobAddress([0xff; 32]));
        check(upload.into(), &format!("U{}", "_".repeat(42) + "8"));
        let part = BlobId {
            whole: upload,
            part: Some(PartPath(vec![1])),
        };
        check(part, &format!("U{}_1", "_".repeat(42) + "8"));
        for wrong in [
            "",
            "B",
            "B2a",
            "B00000000002a_",
            "B00000000002a_01",
            "Ux",
            "X00000000002a",
        ] {
            assert_eq!(BlobId::read(wrong), None, "{wrong}");
        }
    }
}
