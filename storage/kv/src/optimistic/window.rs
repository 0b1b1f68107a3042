//! Recent writes by version: what a commit's reads are checked against.
//!
//! Holds the newest version of each key written since the oldest transaction that may still commit; older ones are
//! forgotten, and a commit that read before that is too old.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use bytes::Bytes;

use super::{CommitRequest, ReadConflict};
use crate::{CommitVersion, Error, KeyRange, Result};

/// Below this many newer writes a range is compared with each of them, which is cheaper than a walk over the keys of
/// the range.
const LINEAR_WRITES_MAX: usize = 64;

/// Recent writes, oldest first and by key.
#[derive(Debug, Default)]
pub struct ConflictWindow {
    floor: CommitVersion,
    newest: BTreeMap<Bytes, CommitVersion>,
    keys: VecDeque<(CommitVersion, Bytes)>,
    ranges: VecDeque<(CommitVersion, KeyRange)>,
}

impl ConflictWindow {
    /// Knows of no writes up to `floor`.
    #[must_use]
    pub fn new(floor: CommitVersion) -> Self {
        Self {
            floor,
            ..Self::default()
        }
    }
    /// Whether nothing that the request has read was written since.
    ///
    /// # Errors
    /// `Conflict` when something was; `TooOld` when the window no longer knows.
    pub fn check(&self, request: &CommitRequest) -> Result<()> {
        if request.reads.is_empty() {
            return Ok(());
        }
        if request.read_version < self.floor {
            return Err(Error::TooOld);
        }
        let conflicts = request.reads.iter().any(|read| match read {
            ReadConflict::Key(key) => self.key_written_after(key, request.read_version),
            ReadConflict::Range(range) => self.range_written_after(range, request.read_version),
        });
        if conflicts { Err(Error::Conflict) } else { Ok(()) }
    }
    /// Remembers what the request writes as written at `version`, which grows from call to call.
    pub fn record(&mut self, request: &CommitRequest, version: CommitVersion) {
        for (key, _) in request.writes.entries() {
            self.newest.insert(key.clone(), version);
            self.keys.push_back((version, key.clone()));
        }
        let extra = request
            .write_conflicts
            .iter()
            .filter(|range| !range.is_empty())
            .cloned();
        self.ranges
            .extend(request.writes.cleared().chain(extra).map(|range| (version, range)));
    }
    /// Forgets writes up to `floor`: no transaction that read before it will be let through.
    pub fn forget(&mut self, floor: CommitVersion) {
        self.floor = self.floor.max(floor);
        while let Some((version, key)) = self.keys.pop_front_if(|(version, _)| *version <= floor) {
            if self.newest.get(&key) == Some(&version) {
                self.newest.remove(&key);
            }
        }
        while self.ranges.pop_front_if(|(version, _)| *version <= floor).is_some() {}
    }
    /// How many writes are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.ranges.len()
    }
    /// Whether no write is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn key_written_after(&self, key: &[u8], read: CommitVersion) -> bool {
        self.newest.get(key).is_some_and(|version| *version > read) || self.ranges_after(read).any(|r| r.contains(key))
    }
    fn range_written_after(&self, range: &KeyRange, read: CommitVersion) -> bool {
        if range.is_empty() {
            return false;
        }
        if self
            .ranges_after(read)
            .any(|other| other.begin < range.end && range.begin < other.end)
        {
            return true;
        }
        let newer = self.keys.partition_point(|(version, _)| *version <= read);
        if self.keys.len() - newer <= LINEAR_WRITES_MAX {
            return self.keys.range(newer..).any(|(_, key)| range.contains(key));
        }
        let bounds = (Bound::Included(&range.begin[..]), Bound::Excluded(&range.end[..]));
        self.newest.range::<[u8], _>(bounds).any(|(_, version)| *version > read)
    }
    fn ranges_after(&self, read: CommitVersion) -> impl Iterator<Item = &KeyRange> {
        self.ranges
            .iter()
            .rev()
            .take_while(move |(version, _)| *version > read)
            .map(|(_, range)| range)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(begin: &'static str, end: &'static str) -> KeyRange {
        KeyRange {
            begin: begin.into(),
            end: end.into(),
        }
    }
    fn written(keys: &[&'static str], cleared: Option<KeyRange>) -> CommitRequest {
        let mut request = CommitRequest::default();
        if let Some(range) = cleared {
            request.writes.clear_range(range);
        }
        for key in keys {
            request.writes.set((*key).into(), Bytes::new());
        }
        request
    }
    fn check(window: &ConflictWindow, read_version: u64, read: ReadConflict, expect: Result<()>) {
        let request = CommitRequest {
            read_version: CommitVersion(read_version),
            reads: vec![read],
            ..CommitRequest::default()
        };
        assert_eq!(window.check(&request), expect, "{request:?}");
    }

    #[test]
    fn finds_writes_after_the_read_version_only() {
        let mut window = ConflictWindow::new(CommitVersion(1));
        window.record(&written(&["b", "d"], None), CommitVersion(2));
        window.record(&written(&["b"], Some(range("m", "p"))), CommitVersion(3));
        for many in 4..=100 {
            window.record(&written(&["x"], None), CommitVersion(many));
        }
        let key = |key: &'static str| ReadConflict::Key(key.into());
        let span = |begin, end| ReadConflict::Range(range(begin, end));
        check(&window, 1, key("d"), Err(Error::Conflict));
        check(&window, 2, key("d"), Ok(()));
        check(&window, 2, key("b"), Err(Error::Conflict));
        check(&window, 2, key("n"), Err(Error::Conflict));
        check(&window, 3, key("n"), Ok(()));
        check(&window, 2, key("p"), Ok(()));
        check(&window, 1, span("c", "e"), Err(Error::Conflict));
        check(&window, 2, span("c", "e"), Ok(()));
        check(&window, 2, span("o", "q"), Err(Error::Conflict));
        check(&window, 3, span("o", "q"), Ok(()));
        check(&window, 99, span("a", "y"), Err(Error::Conflict));
        check(&window, 100, span("a", "y"), Ok(()));
        check(&window, 0, key("q"), Err(Error::TooOld));
    }

    fn letters() -> impl Strategy<Value = (u8, u8)> {
        (0u8..12, 0u8..12)
    }
    fn letter(number: u8) -> Bytes {
        vec![b'a' + number].into()
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_list_of_all_writes(
            writes in prop::collection::vec((letters(), any::<bool>()), 0..150),
            reads in prop::collection::vec((letters(), any::<bool>(), 0u64..150), 1..20),
        ) {
            let span = |(begin, end)| KeyRange { begin: letter(begin), end: letter(end) };
            let mut window = ConflictWindow::default();
            let mut list = Vec::new();
            for (at, (pair, is_range)) in writes.into_iter().enumerate() {
                let written = if is_range { span(pair) } else { KeyRange::key(&letter(pair.0)) };
                let mut request = CommitRequest::default();
                if is_range {
                    request.writes.clear_range(written.clone());
                } else {
                    request.writes.set(letter(pair.0), Bytes::new());
                }
                let version = CommitVersion(at as u64 + 1);
                window.record(&request, version);
                list.push((version, written));
            }
            for (pair, is_range, read_version) in reads {
                let read_version = CommitVersion(read_version);
                let read = if is_range { span(pair) } else { KeyRange::key(&letter(pair.0)) };
                let overlaps = |other: &KeyRange| {
                    !read.is_empty() && !other.is_empty() && other.begin < read.end && read.begin < other.end
                };
                let conflicts = list.iter().any(|(version, other)| *version > read_version && overlaps(other));
                let conflict = if is_range { ReadConflict::Range(read.clone()) } else { ReadConflict::Key(letter(pair.0)) };
                let request = CommitRequest { read_version, reads: vec![conflict], ..CommitRequest::default() };
                prop_assert_eq!(window.check(&request).is_err(), conflicts);
            }
        }
    }

    #[test]
    fn forgets_down_to_nothing() {
        let mut window = ConflictWindow::new(CommitVersion(0));
        window.record(&written(&["b"], None), CommitVersion(1));
        window.record(&written(&["b"], Some(range("m", "p"))), CommitVersion(2));
        window.forget(CommitVersion(1));
        check(&window, 1, ReadConflict::Key("b".into()), Err(Error::Conflict));
        check(&window, 0, ReadConflict::Key("z".into()), Err(Error::TooOld));
        window.forget(CommitVersion(2));
        assert!(window.is_empty() && window.newest.is_empty());
    }
}
