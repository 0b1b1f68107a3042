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
