//! Where a shard's records are.

use bytes::Bytes;
use hongyan_kv::{KeyRange, Tuple};

use crate::QueueId;

/// Builds the keys of one shard.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Tuple);

impl Keys {
    pub(crate) fn new(queue: QueueId) -> Self {
        Self(Tuple::new().string("queue").int(queue.shard))
    }
    fn kind(&self, kind: &str) -> Tuple {
        self.0.clone().string(kind)
    }
    pub(crate) fn meta(&self) -> Bytes {
        self.kind("meta").pack()
    }
    /// How many entries there are: a 64-bit little-endian number.
    pub(crate) fn count(&self) -> Bytes {
        self.kind("count").pack()
    }
    pub(crate) fn entry(&self, number: u64) -> Bytes {
        self.kind("entry").int(number).pack()
    }
    /// Entries after `number`.
    pub(crate) fn entries_after(&self, number: u64) -> KeyRange {
        let begin = self.kind("entry").int(number.saturating_add(1)).pack();
        KeyRange {
            begin,
            end: self.kind("entry").range().end,
        }
    }
    pub(crate) fn parse_entry(&self, key: &[u8]) -> Option<u64> {
        self.kind("entry").reader(key).ok()?.int().ok()
    }
    pub(crate) fn due(&self, millis: i64, number: u64) -> Bytes {
        self.kind("due").int(millis).int(number).pack()
    }
    pub(crate) fn due_range(&self) -> KeyRange {
        self.kind("due").range()
    }
    pub(crate) fn parse_due(&self, key: &[u8]) -> Option<(i64, u64)> {
        let mut reader = self.kind("due").reader(key).ok()?;
        Some((reader.int().ok()?, reader.int().ok()?))
    }
    /// An entry that was handed out when the shard left.
    pub(crate) fn handed(&self, number: u64) -> Bytes {
        self.kind("handed").int(number).pack()
    }
    pub(crate) fn all_handed(&self) -> KeyRange {
        self.kind("handed").range()
    }
    pub(crate) fn parse_handed(&self, key: &[u8]) -> Option<u64> {
        self.kind("handed").reader(key).ok()?.int().ok()
    }
    /// A request that is done.
    pub(crate) fn done(&self, minute: i64, id: u128) -> Bytes {
        self.kind("done").int(minute).bytes(&id.to_be_bytes()).pack()
    }
    pub(crate) fn all_done(&self) -> KeyRange {
        self.kind("done").range()
    }
    pub(crate) fn done_before(&self, minute: i64) -> KeyRange {
        KeyRange {
            begin: self.all_done().begin,
            end: self.kind("done").int(minute).pack(),
        }
    }
    pub(crate) fn parse_done(&self, key: &[u8]) -> Option<(i64, u128)> {
        let mut reader = self.kind("done").reader(key).ok()?;
        let minute = reader.int().ok()?;
        let id = <[u8; 16]>::try_from(reader.bytes().ok()?).ok()?;
        Some((minute, u128::from_be_bytes(id)))
    }
    pub(crate) fn delivery(&self, id: &[u8]) -> Bytes {
        self.kind("delivery").bytes(id).pack()
    }
    pub(crate) fn accepted(&self, millis: i64, id: &[u8]) -> Bytes {
        self.kind("accepted").int(millis).bytes(id).pack()
    }
    pub(crate) fn accepted_before(&self, millis: i64) -> KeyRange {
        KeyRange {
            begin: self.kind("accepted").range().begin,
            end: self.kind("accepted").int(millis).pack(),
        }
    }
    pub(crate) fn parse_accepted(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut reader = self.kind("accepted").reader(key).ok()?;
        reader.int::<i64>().ok()?;
        reader.bytes().ok()
    }
}
