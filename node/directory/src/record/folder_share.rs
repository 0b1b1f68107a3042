//! What a member lets another do with one folder, at ("dir", "folder-share", account, folder, to); where that leads back from the one
//! who may is at ("dir", "folder-shared", tenant, to, account, folder).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, FolderRights, Timestamp};
use minicbor::{Decode, Encode};

/// A folder of an account, by the number that its mailbox gives once and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderNumber(pub u32);

/// One folder, shared with one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderShare {
    /// Whose folder.
    pub account: AccountId,
    /// Which.
    pub folder: FolderNumber,
    /// Who may.
    pub to: AccountId,
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
    to: AccountId,
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
            to: AccountId(8),
            rights: FolderRights::read("lrs").unwrap(),
            from: Timestamp { millis: 1_000 },
            subscribed: true,
        };
        let stored = encode(&share);
        assert_eq!(crate::record::hex(&stored), "01000183071903e8f5");
        assert_eq!(decode(share.account, share.folder, share.to, &stored), Ok(share));
    }
}
