//! A set of UIDs as sorted runs: small whatever the number of messages, as long as few are missing between them.

use crate::Uid;
use std::fmt;

/// A run of UIDs, both ends in it; `first <= last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidRange {
    /// The lowest.
    pub first: u32,
    /// The highest.
    pub last: u32,
}

impl UidRange {
    /// How many UIDs it holds.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::from(self.last)
            .saturating_sub(u64::from(self.first))
            .saturating_add(1)
    }
}

/// A set of UIDs. Runs are sorted, do not overlap and do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct UidSet {
    runs: Vec<UidRange>,
}

impl UidSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { runs: Vec::new() }
    }

    /// The set of all UIDs from `first` to `last`, in either order.
    #[must_use]
    pub fn from_range(first: Uid, last: Uid) -> Self {
        let mut set = Self::new();
        set.insert_range(first, last);
        set
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many UIDs there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|run| run.count()).sum()
    }

    /// The runs in order.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = UidRange> + ExactSizeIterator + '_ {
        self.runs.iter().copied()
    }

    /// The UIDs in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + '_ {
        self.runs
            .iter()
            .flat_map(|run| (run.first..=run.last).filter_map(Uid::new))
    }

    /// The lowest UID.
    #[must_use]
    pub fn first(&self) -> Option<Uid> {
        self.runs.first().and_then(|run| Uid::new(run.first))
    }

    /// The highest UID.
    #[must_use]
    pub fn last(&self) -> Option<Uid> {
        self.runs.last().and_then(|run| Uid::new(run.last))
    }

    /// Whether `uid` is in it.
    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.runs.partition_point(|run| run.last < uid.get());
        self.runs.get(at).is_some_and(|run| run.first <= uid.get())
    }

    /// Adds `uid`. Ascending order is cheapest.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds all UIDs from `first` to `last`, in either order.
    pub fn insert_range(&mut self, first: Uid, last: Uid) {
        let (mut first, mut last) = (first.get().min(last.get()), first.get().max(last.get()));
        // Runs that overlap or touch the new one become part of it.
        let from = self.runs.partition_point(|run| run.last < first.saturating_sub(1));
        let to = self.runs.partition_point(|run| run.first <= last.saturating_add(1));
        if let (true, Some(run)) = (from < to, self.runs.get(from)) {
            first = first.min(run.first);
        }
        if let (true, Some(run)) = (from < to, self.runs.get(to.saturating_sub(1))) {
            last = last.max(run.last);
        }
        let run = UidRange { first, last };
        if from == self.runs.len() {
            self.runs.push(run);
        } else {
            self.runs.splice(from..to, [run]);
        }
    }

    /// Takes `uid` out.
    pub fn remove(&mut self, uid: Uid) {
        let at = self.runs.partition_point(|run| run.last < uid.get());
        let Some(run) = self.runs.get(at).copied() else {
            return;
        };
        if run.first > uid.get() {
            return;
        }
        let below = (run.first < uid.get()).then(|| UidRange {
            first: run.first,
            last: uid.get().saturating_sub(1),
        });
        let above = (run.last > uid.get()).then(|| UidRange {
            first: uid.get().saturating_add(1),
            last: run.last,
        });
        self.runs.splice(at..=at, [below, above].into_iter().flatten());
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (mut small, mut big) = (other, self.clone());
        if self.runs.len() < other.runs.len() {
            (small, big) = (self, other.clone());
        }
        // Runs inserted out of the middle cost a shift each: merge when both are long.
        if small.runs.len() > 16 {
            return Self::merged(&self.runs, &other.runs);
        }
        for run in &small.runs {
            if let (Some(first), Some(last)) = (Uid::new(run.first), Uid::new(run.last)) {
                big.insert_range(first, last);
            }
        }
        big
    }

    fn merged(a: &[UidRange], b: &[UidRange]) -> Self {
        let mut all: Vec<UidRange> = a.iter().chain(b).copied().collect();
        all.sort_unstable();
        let mut runs: Vec<UidRange> = Vec::with_capacity(all.len());
        for run in all {
            match runs.last_mut() {
                Some(open) if run.first <= open.last.saturating_add(1) => {
                    open.last = open.last.max(run.last);
                }
                _ => runs.push(run),
            }
        }
        Self { runs }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut runs = Vec::new();
        let (mut left, mut right) = (self.runs.iter().peekable(), other.runs.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.first.max(b.first), a.last.min(b.last));
            if first <= last {
                runs.push(UidRange { first, last });
            }
            if a.last < b.last {
                left.next();
            } else {
                right.next();
            }
        }
        Self { runs }
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut runs = Vec::new();
        let mut cuts = other.runs.iter().copied().peekable();
        for run in &self.runs {
            let mut first = u64::from(run.first);
            let last = u64::from(run.last);
            while let Some(cut) = cuts.peek().copied() {
                if u64::from(cut.last) < first {
                    cuts.next();
                    continue;
                }
                if u64::from(cut.first) > last {
                    break;
                }
                push_run(&mut runs, first, u64::from(cut.first).saturating_sub(1));
                first = u64::from(cut.last).saturating_add(1);
                if first > last {
                    break;
                }
            }
            push_run(&mut runs, first, last);
        }
        Self { runs }
    }

    /// Checks the promise of the type; called by tests after every change.
    ///
    /// # Panics
    /// When runs are not sorted, overlap or touch.
    pub fn check(&self) {
        for run in &self.runs {
            assert!(run.first >= 1 && run.first <= run.last, "run out of order");
        }
        for (a, b) in self.runs.iter().zip(self.runs.iter().skip(1)) {
            assert!(u64::from(a.last) + 1 < u64::from(b.first), "runs touch or overlap");
        }
    }
}

fn push_run(runs: &mut Vec<UidRange>, first: u64, last: u64) {
    if let (true, Ok(first), Ok(last)) = (first <= last, u32::try_from(first), u32::try_from(last)) {
        runs.push(UidRange { first, last });
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        set.extend(uids);
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        for uid in uids {
            self.insert(uid);
        }
    }
}

/// Writes a `sequence-set` (RFC 9051 §9), such as `1:3,5`; nothing for the empty set.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, run) in self.runs.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            if run.first == run.last {
                write!(f, "{}", run.first)?;
            } else {
                write!(f, "{}:{}", run.first, run.last)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(uids: &[u32]) -> UidSet {
        uids.iter().filter_map(|uid| Uid::new(*uid)).collect()
    }
    fn list(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(Uid::get).collect()
    }

    #[test]
    fn writes_runs() {
        assert_eq!(set(&[5, 1, 2, 3, 9, 4]).to_string(), "1:5,9");
        assert_eq!(UidSet::new().to_string(), "");
        let top = UidSet::from_range(Uid::new(u32::MAX).unwrap(), Uid::new(1).unwrap());
        assert_eq!(top.to_string(), "1:4294967295");
        assert_eq!(top.count(), 4_294_967_295);
        assert_eq!(top.difference(&set(&[1, u32::MAX])).to_string(), "2:4294967294");
    }

    proptest! {
        #[test]
        fn agrees_with_a_tree(a in prop::collection::vec(1u32..90, 0..60), b in prop::collection::vec(1u32..90, 0..60)) {
            let (left, right) = (set(&a), set(&b));
            let (tree_a, tree_b): (BTreeSet<u32>, BTreeSet<u32>) = (a.iter().copied().collect(), b.iter().copied().collect());
            left.check();
            prop_assert_eq!(list(&left), tree_a.clone());
            prop_assert_eq!(left.count(), tree_a.len() as u64);
            for (got, expect) in [
                (left.union(&right), tree_a.union(&tree_b).copied().collect::<BTreeSet<_>>()),
                (left.difference(&right), tree_a.difference(&tree_b).copied().collect()),
                (left.intersection(&right), tree_a.intersection(&tree_b).copied().collect()),
            ] {
                got.check();
                prop_assert_eq!(list(&got), expect);
            }
            let mut rest = left.clone();
            for uid in &b {
                rest.remove(Uid::new(*uid).unwrap());
                rest.check();
            }
            prop_assert_eq!(rest, left.difference(&right));
            for uid in 1..90 {
                prop_assert_eq!(left.contains(Uid::new(uid).unwrap()), tree_a.contains(&uid));
            }
        }
    }
}
