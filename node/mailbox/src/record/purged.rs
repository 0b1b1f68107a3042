//! A mail that was purged and can be had back for a while: key kind 11, [when, email]. Its own record stays as long.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::{SystemFlags, Timestamp};
use minicbor::{Decode, Encode};

use crate::{KeywordId, KeywordSet, MessageEntry};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct PurgedV1 {
    #[n(0)]
    internal_millis: i64,
    #[n(1)]
    flags: u8,
    #[n(2)]
    keywords: Vec<u32>,
    /// Of the folder it was in.
    #[n(3)]
    path: String,
}

/// What it was as a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PurgedRecord {
    pub(crate) internal_date: Timestamp,
    pub(crate) flags: SystemFlags,
    pub(crate) keywords: KeywordSet,
    pub(crate) path: String,
}

pub(crate) fn encode(entry: &MessageEntry, path: &str) -> Bytes {
    let body = PurgedV1 {
        internal_millis: entry.internal_date.millis,
        flags: entry.flags.bits(),
        keywords: entry.keywords.ids().iter().map(|id| id.0).collect(),
        path: path.to_owned(),
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<PurgedRecord, StorageError> {
    let body: PurgedV1 = record::decode(V1, stored)?;
    Ok(PurgedRecord {
        internal_date: Timestamp {
            millis: body.internal_millis,
        },
        flags: SystemFlags::from_bits(body.flags),
        keywords: KeywordSet::new(body.keywords.into_iter().map(KeywordId).collect()),
        path: body.path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let entry = MessageEntry {
            uid: hongyan_types::Uid::new(300).unwrap(),
            email: crate::EmailId(7),
            thread: crate::ThreadId(6),
            modseq: hongyan_types::ModSeq(12),
            flags: SystemFlags::from_bits(5),
            keywords: KeywordSet::new(vec![KeywordId(2)]),
            octets: hongyan_types::Octets(8192),
            internal_date: Timestamp { millis: -1 },
            save_date: Timestamp { millis: 0 },
        };
        let stored = encode(&entry, "Trash");
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0100018420058102655472617368");
        let read = decode(&stored).unwrap();
        assert_eq!((read.path.as_str(), read.internal_date.millis), ("Trash", -1));
        assert_eq!((read.flags, read.keywords), (entry.flags, entry.keywords));
    }
}
