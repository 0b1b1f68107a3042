//! Fixed slices of the entity id space: the unit of ownership, and how many of them there are.

use std::fmt;

/// One slice of the entity id space. A cluster has at most [`Partitions::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

impl Partition {
    /// Its place in a list of all partitions.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
    /// The partition at `index` of a list of all; `None` beyond the largest possible.
    #[must_use]
    pub fn at(index: usize) -> Option<Self> {
        u16::try_from(index).ok().map(Self)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many partitions there are. Fixed when a cluster is made, because it decides the partition of every entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions(u32);

impl Partitions {
    /// As many as [`Partition`] can tell apart.
    pub const MAX: u32 = 65_536;

    /// `count` of them; `None` for none or more than [`Self::MAX`].
    #[must_use]
    pub fn new(count: usize) -> Option<Self> {
        let count = u32::try_from(count).ok()?;
        (1..=Self::MAX).contains(&count).then_some(Self(count))
    }
    /// How many.
    #[must_use]
    pub fn count(self) -> usize {
        self.0 as usize
    }
    /// The one that an id with this stable hash falls into, in every process and release.
    #[must_use]
    pub fn of_hash(self, hash: u64) -> Partition {
        // Below the count, which is at most 65,536.
        Partition(u16::try_from(hash % u64::from(self.0)).unwrap_or(0))
    }
}

impl Default for Partitions {
    /// Of a node that is alone, and of a cluster that is not told otherwise.
    fn default() -> Self {
        Self(1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_is_reached_and_none_beyond() {
        for count in [1, 1024, 65_536] {
            let partitions = Partitions::new(count).unwrap();
            assert_eq!(partitions.of_hash(count as u64 - 1).index(), count - 1);
            assert_eq!(partitions.of_hash(count as u64).index(), 0);
        }
        assert_eq!(Partitions::new(0), None);
        assert_eq!(Partitions::new(65_537), None);
    }
}
