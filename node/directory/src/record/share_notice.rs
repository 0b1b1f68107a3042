//! What a member was told of something of another's that was opened to them, opened otherwise, or is open no more (RFC 9670
//! §5): in the ledger at ("dir", "of-account", account, "share-notices").

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, FolderRights, Timestamp};
use minicbor::{Decode, Encode};

use crate::{FolderNumber, GrantRights, Sending};

/// Who changed what is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharer {
    /// A name for people.
    pub name: String,
    /// Their address; not every one who changes things has one.
    pub address: Option<String>,
    /// Who it is, if it is somebody of the organisation.
    pub account: Option<AccountId>,
}

/// What was opened, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// One folder.
    Folder {
        /// Which.
        folder: FolderNumber,
        /// What could be done before.
        before: FolderRights,
        /// What can be done now.
        after: FolderRights,
    },
    /// The whole mailbox.
    Whole {
        /// What could be done before.
        before: GrantRights,
        /// What can be done now.
        after: GrantRights,
    },
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareNotice {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Sharer,
    /// Whose it is.
    pub account: AccountId,
    /// What it is called at that time.
    pub name: String,
    /// What it is, and what may be done.
    pub opened: Opened,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    by_name: String,
    #[n(2)]
    by_address: Option<String>,
    #[n(3)]
    by_account: Option<u64>,
    #[n(4)]
    account: u64,
    #[n(5)]
    name: String,
    /// None: the whole mailbox.
    #[n(6)]
    folder: Option<u32>,
    #[n(7)]
    before: u16,
    #[n(8)]
    after: u16,
}

enum Stored {
    V1(V1),
}

const READ: u16 = 1;
const WRITE: u16 = 2;
const SEND_ON_BEHALF: u16 = 4;
const SEND_AS: u16 = 8;

fn bits(rights: GrantRights) -> u16 {
    let bit = |has: bool, bit: u16| if has { bit } else { 0 };
    let send = match rights.send {
        Sending::No => 0,
        Sending::OnBehalf => SEND_ON_BEHALF,
        Sending::As => SEND_AS,
    };
    bit(rights.read, READ) | bit(rights.write, WRITE) | send
}

fn from_bits(bits: u16) -> GrantRights {
    GrantRights {
        read: bits & READ != 0,
        write: bits & WRITE != 0,
        send: match bits {
            bits if bits & SEND_AS != 0 => Sending::As,
            bits if bits & SEND_ON_BEHALF != 0 => Sending::OnBehalf,
            _ => Sending::No,
        },
    }
}

pub(crate) fn encode(notice: &ShareNotice) -> Bytes {
    let (folder, before, after) = match notice.opened {
        Opened::Folder { folder, before, after } => (Some(folder.0), before.bits(), after.bits()),
        Opened::Whole { before, after } => (None, bits(before), bits(after)),
    };
    let body = V1 {
        at_millis: notice.at.millis,
        by_name: notice.by.name.clone(),
        by_address: notice.by.address.clone(),
        by_account: notice.by.account.map(|account| account.0),
        account: notice.account.0,
        name: notice.name.clone(),
        folder,
        before,
        after,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<ShareNotice, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(ShareNotice {
        at: Timestamp { millis: body.at_millis },
        by: Sharer {
            name: body.by_name,
            address: body.by_address,
            account: body.by_account.map(AccountId),
        },
        account: AccountId(body.account),
        name: body.name,
        opened: match body.folder {
            Some(folder) => Opened::Folder {
                folder: FolderNumber(folder),
                before: FolderRights::from_bits(body.before),
                after: FolderRights::from_bits(body.after),
            },
            None => Opened::Whole {
                before: from_bits(body.before),
                after: from_bits(body.after),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let notice = ShareNotice {
            at: Timestamp { millis: 1_000 },
            by: Sharer {
                name: "A".to_owned(),
                address: Some("a@b.test".to_owned()),
                account: Some(AccountId(7)),
            },
            account: AccountId(7),
            name: "P".to_owned(),
            opened: Opened::Folder {
                folder: FolderNumber(9),
                before: FolderRights::NONE,
                after: FolderRights::read("lr").unwrap(),
            },
        };
        let stored = encode(&notice);
        assert_eq!(
            crate::record::hex(&stored),
            "010001891903e86141686140622e746573740707615009".to_owned() + "0003"
        );
        assert_eq!(decode(&stored).as_ref(), Ok(&notice));
        let whole = ShareNotice {
            by: Sharer {
                name: "system".to_owned(),
                address: None,
                account: None,
            },
            opened: Opened::Whole {
                before: GrantRights::default(),
                after: GrantRights::FULL,
            },
            ..notice
        };
        let stored = encode(&whole);
        assert_eq!(
            crate::record::hex(&stored),
            "010001891903e86673797374656df6f6076150f6000b"
        );
        assert_eq!(decode(&stored), Ok(whole));
    }

    #[test]
    fn rights_are_read_as_they_are_written() {
        for send in [Sending::No, Sending::OnBehalf, Sending::As] {
            let rights = GrantRights {
                read: true,
                write: false,
                send,
            };
            assert_eq!(from_bits(bits(rights)), rights);
        }
    }
}
