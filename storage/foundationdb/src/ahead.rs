//! Reads on their way before anybody waits for them: a transaction that knows what it will read asks for all of it at once.

use bytes::Bytes;
use hongyan_kv::{KeyRange, RangeQuery, ReadMode};

use crate::handle::{Pairs, Pending};

/// A transaction's. What it writes itself is taken out: the library would answer with what was there before.
#[derive(Default)]
pub(crate) struct Ahead {
    keys: Vec<(Bytes, ReadMode, Pending<Option<Bytes>>)>,
    ranges: Vec<(RangeQuery, Pending<Pairs>)>,
}

impl Ahead {
    pub(crate) fn has(&self, key: &[u8], mode: ReadMode) -> bool {
        self.keys.iter().any(|(known, of, _)| known == key && *of == mode)
    }
    pub(crate) fn add(&mut self, key: &[u8], mode: ReadMode, pending: Pending<Option<Bytes>>) {
        self.keys.push((Bytes::copy_from_slice(key), mode, pending));
    }
    pub(crate) fn add_range(&mut self, query: &RangeQuery, pending: Pending<Pairs>) {
        self.ranges.push((query.clone(), pending));
    }
    pub(crate) fn take(&mut self, key: &[u8], mode: ReadMode) -> Option<Pending<Option<Bytes>>> {
        let at = self
            .keys
            .iter()
            .position(|(known, of, _)| known == key && *of == mode)?;
        Some(self.keys.swap_remove(at).2)
    }
    pub(crate) fn take_range(&mut self, query: &RangeQuery) -> Option<Pending<Pairs>> {
        let at = self.ranges.iter().position(|(known, _)| known == query)?;
        Some(self.ranges.swap_remove(at).1)
    }
    /// The transaction writes `key`.
    pub(crate) fn write(&mut self, key: &[u8]) {
        self.keys.retain(|(known, ..)| known != key);
        self.ranges.retain(|(query, _)| !query.range.contains(key));
    }
    /// The transaction clears `range`.
    pub(crate) fn clear(&mut self, range: &KeyRange) {
        self.keys.retain(|(known, ..)| !range.contains(known));
        self.ranges
            .retain(|(query, _)| query.range.end <= range.begin || range.end <= query.range.begin);
    }
}
