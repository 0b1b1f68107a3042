//! The terms of an ask: under which id it can be repeated, in which epoch, and for how long somebody waits.

use std::fmt;
use std::time::Duration;

use hongyan_placement::Partition;

/// The id of one ask, the same however often it is repeated: an entity that finds it done answers as it did then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u128);

impl RequestId {
    /// The id of asks that are never repeated: nothing is remembered of them.
    pub const ONCE: Self = Self(0);
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// How often a partition has changed owner: the fencing token. A single node's is always 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The first owner's.
    pub const FIRST: Self = Self(1);
}

/// What an entity on this node lives under: its partition, owned in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    /// The entity's partition.
    pub partition: Partition,
    /// The epoch in which this node owns it.
    pub epoch: Epoch,
}

/// The terms of one ask.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Under which a repeat is recognised.
    pub id: RequestId,
    /// Under what this node answers for the entity.
    pub tenure: Tenure,
    /// How long the asker waits.
    pub within: Duration,
}
