//! The messages of 256 UIDs of a folder, as of a modseq: key kind 6, [folder, chunk]. Later changes are in the log.
//!
//! Messages of many keywords do not fit into one value: then [folder, chunk, 1], [folder, chunk, 2] ... have the rest, each
//! a record like the first, in the order of the UIDs.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::ModSeq;
use minicbor::{Decode, Encode};

use super::entry::EntryV1;
use crate::MessageEntry;
use crate::options::KEYWORD_OCTETS;

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

/// Octets of an entry without its keywords, at most.
const ENTRY_OCTETS: usize = 70;
/// Octets of entries in one value; a stored value holds 100,000.
const VALUE_OCTETS: usize = 90_000;

/// The values of a chunk's entries: one, but for messages of many keywords.
pub(crate) fn encode_all(as_of: ModSeq, entries: &[MessageEntry]) -> Vec<Bytes> {
    let mut values = Vec::new();
    let (mut start, mut octets) = (0, 0);
    for (at, entry) in entries.iter().enumerate() {
        let more = ENTRY_OCTETS + KEYWORD_OCTETS * entry.keywords.ids().len();
        if octets + more > VALUE_OCTETS && at > start {
            values.push(encode(as_of, &entries[start..at]));
            (start, octets) = (at, 0);
        }
        octets += more;
    }
    values.push(encode(as_of, &entries[start..]));
    values
}

fn encode(as_of: ModSeq, entries: &[MessageEntry]) -> Bytes {
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

    fn entries(keywords: &[usize]) -> Vec<MessageEntry> {
        let entry = |(at, keywords): (u32, &usize)| MessageEntry {
            uid: hongyan_types::Uid::new(at + 1).unwrap(),
            email: crate::EmailId(u64::MAX),
            thread: crate::ThreadId(u64::MAX),
            modseq: ModSeq(u64::MAX >> 1),
            flags: hongyan_types::SystemFlags::from_bits(31),
            keywords: crate::KeywordSet::new(
                (0..*keywords as u32)
                    .map(|id| crate::KeywordId(u32::MAX - id))
                    .collect(),
            ),
            octets: hongyan_types::Octets(u64::MAX),
            internal_date: hongyan_types::Timestamp { millis: i64::MIN },
            save_date: hongyan_types::Timestamp { millis: i64::MAX },
        };
        (0..).zip(keywords).map(entry).collect()
    }

    fn check(keywords: &[usize]) -> usize {
        let entries = entries(keywords);
        let values = encode_all(ModSeq(12), &entries);
        assert!(values.iter().all(|value| value.len() < hongyan_kv::VALUE_OCTETS_MAX));
        let chunks = values.iter().map(|value| decode(value).unwrap());
        let read: Vec<_> = chunks.flat_map(|chunk| chunk.entries).collect();
        assert_eq!(read, entries);
        values.len()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

        #[test]
        fn whatever_keywords_messages_have_they_fit(
            keywords in proptest::collection::vec(0..crate::KEYWORDS_OF_MESSAGE_LIMIT + 1, 0..24),
        ) {
            check(&keywords);
        }
    }

    #[test]
    fn messages_of_few_keywords_are_one_value() {
        assert_eq!(check(&[0; 256]), 1);
        assert_eq!(check(&[50; 256]), 1);
        assert_eq!(check(&[crate::KEYWORDS_OF_MESSAGE_LIMIT; 5]), 2);
        assert_eq!(check(&[]), 1);
    }
}
