//! Where a node keeps its part: the face of its local store, and the names of what lies there.

use std::io;

use bytes::Bytes;
use hongyan_env::BoxFuture;

/// A small durable map of bytes, of this node alone.
pub trait LocalStore: Send + Sync {
    /// All there is, in order of keys.
    fn load(&self) -> BoxFuture<'_, io::Result<Vec<(Bytes, Bytes)>>>;
    /// Sets and (`None`) removes, all or nothing, on disk when it returns. On an error nothing was done.
    fn write(&self, changes: Vec<(Bytes, Option<Bytes>)>) -> BoxFuture<'_, io::Result<()>>;
}

/// One change of the store.
pub(crate) type Write = (Bytes, Option<Bytes>);

/// `(node, incarnation number)` of the process that last started on this store.
pub(crate) const IDENTITY: &[u8] = b"identity";
pub(crate) const VOTE: &[u8] = b"vote";
/// The last log id known to be committed. Written along with others, so it may lag.
pub(crate) const COMMITTED: &[u8] = b"committed";
pub(crate) const PURGED: &[u8] = b"purged";
pub(crate) const SNAPSHOT: &[u8] = b"snapshot";
const CHUNK: &[u8] = b"chunk/";
const ENTRY: &[u8] = b"entry/";

/// Below the 100,000 octets that every backend takes.
pub(crate) const CHUNK_OCTETS: usize = 64 << 10;

pub(crate) fn key(name: &'static [u8]) -> Bytes {
    Bytes::from_static(name)
}

pub(crate) fn entry_key(index: u64) -> Bytes {
    numbered(ENTRY, index)
}

/// The log index of an entry's key.
pub(crate) fn entry_index(key: &[u8]) -> Option<u64> {
    number(key, ENTRY)
}

pub(crate) fn chunk_key(number: u64) -> Bytes {
    numbered(CHUNK, number)
}

/// The number of a snapshot chunk's key.
pub(crate) fn chunk_number(key: &[u8]) -> Option<u64> {
    number(key, CHUNK)
}

fn numbered(prefix: &[u8], number: u64) -> Bytes {
    let mut key = prefix.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key.into()
}

fn number(key: &[u8], prefix: &[u8]) -> Option<u64> {
    let digits: [u8; 8] = key.strip_prefix(prefix)?.try_into().ok()?;
    Some(u64::from_be_bytes(digits))
}
