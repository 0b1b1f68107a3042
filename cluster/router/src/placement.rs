//! Who owns a partition, as far as this node knows.

use hongyan_actor::Epoch;
use hongyan_placement::{Partition, Partitions};
use hongyan_transport::NodeId;
use tokio::sync::watch;

/// Where the entities of a partition are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Located {
    /// On this node, which may answer for them now.
    Here {
        /// Since when.
        epoch: Epoch,
    },
    /// On another node, as far as is known.
    There(NodeId),
    /// Nowhere at the moment: on the way from one owner to the next, or this node is cut off from the others.
    Unknown,
}

/// What the router needs to know of ownership. Asked for every request and before every reply, so it must be cheap.
pub trait Placement: Send + Sync + 'static {
    /// How many partitions there are, for ever.
    fn partitions(&self) -> Partitions;
    /// Who owns `partition` now. `Here` is said only while no other node can be the owner.
    fn locate(&self, partition: Partition) -> Located;
    /// A number that grows whenever an answer of [`Self::locate`] may have changed.
    fn changed(&self) -> watch::Receiver<u64>;
}

/// The placement of a node that is alone.
pub struct SingleNode(watch::Sender<u64>);

impl Default for SingleNode {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Placement for SingleNode {
    fn partitions(&self) -> Partitions {
        Partitions::default()
    }
    fn locate(&self, _: Partition) -> Located {
        Located::Here { epoch: Epoch::FIRST }
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
