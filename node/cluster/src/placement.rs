//! Where entities are, for the router: what membership says of their partition.

use hongyan_actor::Epoch;
use hongyan_membership::{Owned, Ownership};
use hongyan_placement::{Partition, Partitions};
use hongyan_router::{Located, Placement};
use tokio::sync::watch;

/// The router's view of ownership.
#[derive(Clone)]
pub struct OwnedPlacement(Ownership);

impl OwnedPlacement {
    /// Shows `ownership` to the router.
    #[must_use]
    pub fn new(ownership: Ownership) -> Self {
        Self(ownership)
    }
}

impl Placement for OwnedPlacement {
    fn partitions(&self) -> Partitions {
        // The map counts them: as many as it was founded with.
        Partitions::new(self.0.partitions()).unwrap_or_default()
    }
    fn locate(&self, partition: Partition) -> Located {
        match self.0.check(partition) {
            Owned::Here { epoch } => Located::Here { epoch: Epoch(epoch) },
            Owned::Elsewhere(node) => Located::There(node),
            Owned::Unknown => Located::Unknown,
        }
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed()
    }
}
