//! Fixed slices of the entity id space: the unit of ownership.

use std::fmt;

/// One slice of the entity id space. A cluster has at most 65,536.
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
