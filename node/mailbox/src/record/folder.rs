//! A folder's properties and counters, as of a modseq: key kind 1, [folder]. Later counts are in the log.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::{ModSeq, UidValidity};
use minicbor::{Decode, Encode};

use crate::state::Folder;
use crate::{FolderPath, SpecialUse};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct FolderV1 {
    #[n(0)]
    as_of: u64,
    #[n(1)]
    path: String,
    /// 0 for none.
    #[n(2)]
    special_use: u8,
    #[n(3)]
    uid_validity: u32,
    #[n(4)]
    uid_next: u32,
    #[n(5)]
    highest_modseq: u64,
    #[n(6)]
    messages: u64,
    #[n(7)]
    unseen: u64,
    #[n(8)]
    deleted: u64,
    #[n(9)]
    octets: u64,
    #[n(10)]
    sort_order: Option<u32>,
}

pub(crate) fn encode(as_of: ModSeq, folder: &Folder) -> Bytes {
    let body = FolderV1 {
        as_of: as_of.0,
        path: folder.path.as_str().to_owned(),
        special_use: folder.special_use.map_or(0, SpecialUse::code),
        uid_validity: folder.uid_validity.get(),
        uid_next: folder.uid_next,
        highest_modseq: folder.highest_modseq.0,
        messages: folder.messages,
        unseen: folder.unseen,
        deleted: folder.deleted,
        octets: folder.octets,
        sort_order: folder.sort_order,
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<(ModSeq, Folder), StorageError> {
    let body: FolderV1 = record::decode(V1, stored)?;
    let corrupt = || StorageError::Corrupt("folder record".into());
    let folder = Folder {
        path: Arc::new(FolderPath::try_from(body.path.as_str()).map_err(|_| corrupt())?),
        special_use: SpecialUse::from_code(body.special_use),
        uid_validity: UidValidity::new(body.uid_validity).ok_or_else(corrupt)?,
        uid_next: body.uid_next,
        highest_modseq: ModSeq(body.highest_modseq),
        messages: body.messages,
        unseen: body.unseen,
        deleted: body.deleted,
        octets: body.octets,
        sort_order: body.sort_order,
        view: None,
    };
    Ok((ModSeq(body.as_of), folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let path = FolderPath::try_from("Work/中").unwrap();
        let mut folder = Folder::new(path, Some(SpecialUse::Junk), UidValidity::new(9).unwrap());
        folder.messages = 3;
        folder.octets = 300;
        let stored = encode(ModSeq(12), &folder);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0100018a0c68576f726b2fe4b8ad0309010003000019012c");
        let (as_of, read) = decode(&stored).unwrap();
        assert_eq!(as_of, ModSeq(12));
        assert_eq!(encode(as_of, &read), stored);
        folder.sort_order = Some(7);
        let stored = encode(ModSeq(12), &folder);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0100018b0c68576f726b2fe4b8ad0309010003000019012c07");
        assert_eq!(decode(&stored).unwrap().1.sort_order, Some(7));
    }
}
