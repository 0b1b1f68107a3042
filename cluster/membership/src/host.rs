//! What a node provides to membership: the fence in its store, and its entities.

use hongyan_env::BoxFuture;

use crate::Partition;

/// Why a fence was not raised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FenceError {
    /// A later epoch owns the partition in the store: this node is behind.
    #[error("the store knows a later owner")]
    Later,
    /// The store cannot say at the moment; try again.
    #[error("the store does not answer: {0}")]
    Store(String),
}

/// The fences of partitions in the data store.
pub trait Fence: Send + Sync + 'static {
    /// Raises the fence of each partition to its epoch, so that no owner before can write any more. Repeating it changes
    /// nothing. The results are in the order of the partitions.
    fn raise(&self, partitions: Vec<(Partition, u64)>) -> BoxFuture<'_, Vec<Result<(), FenceError>>>;
}

/// The entities of a node.
pub trait Host: Send + Sync + 'static {
    /// Prepares to own `partition`: whatever makes the first requests quick. Its owner still serves it.
    fn warm(&self, partition: Partition) -> BoxFuture<'_, ()>;
    /// Lets the entities of `partition` finish and go. No request reaches them any more.
    fn release(&self, partition: Partition) -> BoxFuture<'_, ()>;
}
