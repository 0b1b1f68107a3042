//! Fixed slices of the entity id space: the unit of ownership.

use hongyan_actor::EntityId;

/// How many partitions there are. Fixed when a cluster is made.
pub const PARTITIONS: u16 = 1024;

/// One slice, below [`PARTITIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u16);

/// The partition that `id` falls into, in every process and release.
#[must_use]
pub fn partition_of(id: &EntityId) -> Partition {
    Partition(u16::try_from(id.stable_hash() % u64::from(PARTITIONS)).unwrap_or(0))
}
