//! The messages of 256 UIDs of a folder, as of a modseq: key kind 6, [folder, chunk]. Later changes are in the log.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::ModSeq;
use minicbor::{Decode, Encode};

use super::entry::EntryV1;
use crate::MessageEntry;

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct ChunkV1 {
    #[n(0)]
    as_of: u64,
    #[n(1)]
    entries: Vec<EntryV1>,
}

/// Entries of a chunk with the modseq up to which they have everything.
pub(crate) struct StoredChunk {
    pub(crate) as_of: ModSeq,
    pub(crate) entries: Vec<MessageEntry>,
}

pub(crate) fn encode(as_of: ModSeq, entries: &[MessageEntry]) -> Bytes {
    let body = ChunkV1 {
        as_of: as_of.0,
        entries: entries.iter().map(EntryV1::from).collect(),
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<StoredChunk, StorageError> {
    let body: ChunkV1 = record::decode(V1, stored)?;
    Ok(StoredChunk {
        as_of: ModSeq(body.as_of),
        entries: body.entries.into_iter().filter_map(EntryV1::read).collect(),
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
            modseq: ModSeq(12),
            flags: hongyan_types::SystemFlags::from_bits(5),
            keywords: crate::KeywordSet::new(vec![crate::KeywordId(2), crate::KeywordId(0)]),
            octets: hongyan_types::Octets(8192),
            internal_date: hongyan_types::Timestamp { millis: -1 },
            save_date: hongyan_types::Timestamp {
                millis: 1_767_225_600_000,
            },
        };
        let stored = encode(ModSeq(12), std::slice::from_ref(&entry));
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "010001820c818919012c07060c05820002192000201b0000019b76daa800");
        let chunk = decode(&stored).unwrap();
        assert_eq!((chunk.as_of, chunk.entries), (ModSeq(12), vec![entry]));
    }
}
