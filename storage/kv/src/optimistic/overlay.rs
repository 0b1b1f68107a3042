//! The writes of one transaction, kept so that its own reads see them: at most one operation a key, over disjoint
//! cleared ranges.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use super::Snapshot;
use crate::{KeyRange, KeyValue, RangeQuery, RangeReply, Result};

/// What happens to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// It gets this value.
    Set(Bytes),
    /// It is removed.
    Clear,
    /// This is added to its integer.
    Add(i64),
}

/// `delta` added to the little-endian 64-bit integer `base`, wrapping. A missing base is 0; one of another length is
/// cut or filled with zeros to 8 octets.
#[must_use]
pub fn add(base: Option<&[u8]>, delta: i64) -> Bytes {
    let mut octets = [0u8; 8];
    for (to, from) in octets.iter_mut().zip(base.unwrap_or_default()) {
        *to = *from;
    }
    Bytes::copy_from_slice(&i64::from_le_bytes(octets).wrapping_add(delta).to_le_bytes())
}

/// The writes of one transaction.
#[derive(Debug, Default)]
pub struct Overlay {
    /// Apply these after `cleared`.
    entries: BTreeMap<Bytes, Write>,
    /// Begin to end; disjoint and not adjacent.
    cleared: BTreeMap<Bytes, Bytes>,
}

impl Overlay {
    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.cleared.is_empty()
    }
    /// Whether any key is removed.
    #[must_use]
    pub fn removes(&self) -> bool {
        !self.cleared.is_empty() || self.entries.values().any(|write| *write == Write::Clear)
    }
    /// Size of all keys and values, in octets.
    #[must_use]
    pub fn octets(&self) -> usize {
        let value = |write: &Write| match write {
            Write::Set(value) => value.len(),
            Write::Clear => 0,
            Write::Add(_) => size_of::<i64>(),
        };
        let entries = self
            .entries
            .iter()
            .map(|(key, write)| key.len() + value(write))
            .sum::<usize>();
        entries
            + self
                .cleared
                .iter()
                .map(|(begin, end)| begin.len() + end.len())
                .sum::<usize>()
    }
    /// Operations on single keys, in key order; they come after the cleared ranges.
    pub fn entries(&self) -> impl Iterator<Item = (&Bytes, &Write)> {
        self.entries.iter()
    }
    /// Takes the operations on single keys.
    pub fn into_entries(self) -> impl Iterator<Item = (Bytes, Write)> {
        self.entries.into_iter()
    }
    /// Cleared ranges, disjoint, in order.
    pub fn cleared(&self) -> impl Iterator<Item = KeyRange> {
        self.cleared.iter().map(|(begin, end)| KeyRange {
            begin: begin.clone(),
            end: end.clone(),
        })
    }
    /// Sets `key`.
    pub fn set(&mut self, key: Bytes, value: Bytes) {
        self.entries.insert(key, Write::Set(value));
    }
    /// Removes `key`.
    pub fn clear(&mut self, key: Bytes) {
        self.entries.insert(key, Write::Clear);
    }
    /// Adds to the integer at `key`.
    pub fn add(&mut self, key: Bytes, delta: i64) {
        let cleared = self.is_cleared(&key);
        match self.entries.entry(key) {
            btree_map::Entry::Occupied(mut occupied) => {
                let write = match occupied.get() {
                    Write::Set(value) => Write::Set(add(Some(value), delta)),
                    Write::Clear => Write::Set(add(None, delta)),
                    Write::Add(before) => Write::Add(before.wrapping_add(delta)),
                };
                occupied.insert(write);
            }
            btree_map::Entry::Vacant(vacant) => {
                vacant.insert(if cleared {
                    Write::Set(add(None, delta))
                } else {
                    Write::Add(delta)
                });
            }
        }
    }
    /// Removes all keys of `range`.
    pub fn clear_range(&mut self, range: KeyRange) {
        if range.is_empty() {
            return;
        }
        let inside = (Bound::Included(range.begin.clone()), Bound::Excluded(range.end.clone()));
        self.entries.extract_if(inside, |_, _| true).for_each(drop);
        let KeyRange { mut begin, mut end } = range;
        while let Some((near_begin, near_end)) = self.cleared.range(..=end.clone()).next_back()
            && *near_end >= begin
        {
            let near_begin = near_begin.clone();
            begin = begin.min(near_begin.clone());
            end = end.max(self.cleared.remove(&near_begin).unwrap_or_default());
        }
        self.cleared.insert(begin, end);
    }
    /// What this transaction does to `key`, if anything.
    #[must_use]
    pub fn write(&self, key: &[u8]) -> Option<Write> {
        if let Some(write) = self.entries.get(key) {
            return Some(write.clone());
        }
        self.is_cleared(key).then_some(Write::Clear)
    }
    /// The value of `key` as the transaction sees it.
    ///
    /// # Errors
    /// The snapshot's.
    pub fn get(&self, snapshot: &impl Snapshot, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(match self.write(key) {
            Some(Write::Set(value)) => Some(value),
            Some(Write::Clear) => None,
            Some(Write::Add(delta)) => Some(add(snapshot.get(key)?.as_deref(), delta)),
            None => snapshot.get(key)?,
        })
    }
    /// One reply's worth of a range as the transaction sees it, cut at about `octets_max`.
    ///
    /// # Errors
    /// The snapshot's.
    pub fn get_range(&self, snapshot: &impl Snapshot, query: &RangeQuery, octets_max: usize) -> Result<RangeReply> {
        let mut merge = Merge {
            limit: if query.limit == 0 { usize::MAX } else { query.limit },
            octets_left: octets_max,
            reverse: query.reverse,
            reply: RangeReply::default(),
        };
        if query.range.is_empty() {
            return Ok(merge.reply);
        }
        let bounds = (
            Bound::Included(&query.range.begin[..]),
            Bound::Excluded(&query.range.end[..]),
        );
        let inside = self.entries.range::<[u8], _>(bounds);
        let mut own: Box<dyn Iterator<Item = _>> = if query.reverse {
            Box::new(inside.rev())
        } else {
            Box::new(inside)
        };
        let mut next_own = own.next();
        snapshot.scan(&query.range, query.reverse, &mut |key, value| {
            while let Some((own_key, write)) = next_own
                && merge.comes_before(own_key, &key)
            {
                merge.own(own_key, write, None)?;
                next_own = own.next();
            }
            match next_own {
                Some((own_key, write)) if *own_key == key => {
                    next_own = own.next();
                    merge.own(own_key, write, Some(&value))
                }
                _ if self.is_cleared(&key) => ControlFlow::Continue(()),
                _ => merge.push(key, value),
            }
        })?;
        while !merge.reply.more
            && let Some((own_key, write)) = next_own
        {
            let _ = merge.own(own_key, write, None);
            next_own = own.next();
        }
        Ok(merge.reply)
    }

    fn is_cleared(&self, key: &[u8]) -> bool {
        let up_to = (Bound::Unbounded, Bound::Included(key));
        self.cleared
            .range::<[u8], _>(up_to)
            .next_back()
            .is_some_and(|(_, end)| *key < **end)
    }
}

/// Collects pairs of the snapshot and of the overlay up to the limits.
struct Merge {
    limit: usize,
    octets_left: usize,
    reverse: bool,
    reply: RangeReply,
}

impl Merge {
    fn comes_before(&self, own: &Bytes, other: &Bytes) -> bool {
        if self.reverse { own > other } else { own < other }
    }
    fn own(&mut self, key: &Bytes, write: &Write, base: Option<&Bytes>) -> ControlFlow<()> {
        match write {
            Write::Set(value) => self.push(key.clone(), value.clone()),
            Write::Clear => ControlFlow::Continue(()),
            Write::Add(delta) => self.push(key.clone(), add(base.map(|value| &value[..]), *delta)),
        }
    }
    fn push(&mut self, key: Bytes, value: Bytes) -> ControlFlow<()> {
        self.octets_left = self.octets_left.saturating_sub(key.len() + value.len());
        self.reply.pairs.push(KeyValue { key, value });
        if self.reply.pairs.len() >= self.limit || self.octets_left == 0 {
            self.reply.more = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(begin: &'static str, end: &'static str) -> KeyRange {
        KeyRange {
            begin: begin.into(),
            end: end.into(),
        }
    }

    fn check(ranges: &[(&'static str, &'static str)], expect: &[(&'static str, &'static str)]) {
        let mut overlay = Overlay::default();
        for (begin, end) in ranges {
            overlay.clear_range(range(begin, end));
        }
        let expect: Vec<_> = expect.iter().map(|(begin, end)| range(begin, end)).collect();
        assert_eq!(overlay.cleared().collect::<Vec<_>>(), expect);
    }

    #[test]
    fn cleared_ranges_stay_disjoint() {
        check(&[("b", "d"), ("f", "h")], &[("b", "d"), ("f", "h")]);
        check(&[("b", "d"), ("d", "h")], &[("b", "h")]);
        check(&[("b", "d"), ("f", "h"), ("c", "g")], &[("b", "h")]);
        check(&[("b", "d"), ("f", "h"), ("a", "z")], &[("a", "z")]);
        check(&[("a", "z"), ("b", "d")], &[("a", "z")]);
        check(&[("b", "b")], &[]);
    }

    #[test]
    fn an_addition_after_a_clear_starts_from_zero() {
        let mut overlay = Overlay::default();
        overlay.add("n".into(), 5);
        assert_eq!(overlay.write(b"n"), Some(Write::Add(5)));
        overlay.clear_range(range("a", "z"));
        overlay.add("n".into(), 2);
        assert_eq!(overlay.write(b"n"), Some(Write::Set(add(None, 2))));
        overlay.add("n".into(), -3);
        assert_eq!(overlay.write(b"n"), Some(Write::Set(add(None, -1))));
        assert_eq!(overlay.write(b"m"), Some(Write::Clear));
        assert_eq!(overlay.write(b"zz"), None);
    }

    #[test]
    fn addition_wraps_and_mends_odd_lengths() {
        assert_eq!(&add(Some(&[1, 0]), 1)[..], 2i64.to_le_bytes());
        assert_eq!(&add(Some(&i64::MAX.to_le_bytes()), 1)[..], i64::MIN.to_le_bytes());
    }
}
