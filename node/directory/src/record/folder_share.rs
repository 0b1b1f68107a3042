//! What a member lets others do with one folder, at ("dir", "folder-share", account, folder, to); where that leads back from those
//! who may is at ("dir", "folder-shared", tenant, to, account, folder). `to` is an account, or 0 and a group. One that gives
//! nothing says whether somebody wants to see a folder that they have by a group.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_kv::tuple::Tuple;
use hongyan_types::{AccountId, FolderRights, Timestamp};
use minicbor::{Decode, Encode};

use crate::GroupId;

/// A folder of an account, by the number that its mailbox gives once and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderNumber(pub u32);

/// With whom a folder is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharee {
    /// A member.
    Account(AccountId),
    /// Everyone who gets mail for a group, as that changes.
    Group(GroupId),
}

impl From<AccountId> for Sharee {
    fn from(account: AccountId) -> Self {
        Self::Account(account)
    }
}

impl Sharee {
    /// Behind the other parts of a key. No account has the number 0.
    pub(crate) fn behind(self, key: Tuple) -> Tuple {
        match self {
            Self::Account(account) => key.int(account.0),
            Self::Group(group) => key.int(0_u64).int(group.0),
        }
    }
    pub(crate) fn read(mut next: impl FnMut() -> Option<u64>) -> Option<Self> {
        match next()? {
            0 => next().map(|group| Self::Group(GroupId(group))),
            account => Some(Self::Account(AccountId(account))),
        }
    }
}

/// One folder, shared with one member or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderShare {
    /// Whose folder.
    pub account: AccountId,
    /// Which.
    pub folder: FolderNumber,
    /// Who may.
    pub to: Sharee,
    /// What.
    pub rights: FolderRights,
    /// Since when.
    pub from: Timestamp,
    /// Whether the one who may wants to see it.
    pub subscribed: bool,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    rights: u16,
    #[n(1)]
    from_millis: i64,
    #[n(2)]
    subscribed: bool,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(share: &FolderShare) -> Bytes {
    let body = V1 {
        rights: share.rights.bits(),
        from_millis: share.from.millis,
        subscribed: share.subscribed,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(
    account: AccountId,
    folder: FolderNumber,
    to: Sharee,
    stored: &[u8],
) -> Result<FolderShare, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(FolderShare {
        account,
        folder,
        to,
        rights: FolderRights::from_bits(body.rights),
        from: Timestamp {
            millis: body.from_millis,
        },
        subscribed: body.subscribed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let share = FolderShare {
            account: AccountId(7),
            folder: FolderNumber(9),
            to: AccountId(8).into(),
            rights: FolderRights::read("lrs").unwrap(),
            from: Timestamp { millis: 1_000 },
            subscribed: true,
        };
        let stored = encode(&share);
        assert_eq!(crate::record::hex(&stored), "01000183071903e8f5");
        assert_eq!(decode(share.account, share.folder, share.to, &stored), Ok(share));
        for to in [Sharee::Account(AccountId(8)), Sharee::Group(GroupId(8))] {
            let prefix = Tuple::new().string("x");
            let key = to.behind(prefix.clone()).pack();
            let mut reader = prefix.reader(&key).unwrap();
            assert_eq!(Sharee::read(|| reader.int::<u64>().ok()), Some(to));
        }
    }
}
