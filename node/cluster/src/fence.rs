//! The fences of partitions, in the store that holds the mail.

use futures_util::StreamExt;
use hongyan_env::BoxFuture;
use hongyan_kv::{Database, Error, fence};
use hongyan_membership::{Fence, FenceError, Partition};

/// Fences raised at the same time: a takeover of many partitions shares commits and does not flood the store.
const RAISED_AT_ONCE: usize = 64;

/// Raises fences in a data store.
#[derive(Clone)]
pub struct StoreFence(Database);

impl StoreFence {
    /// Raises fences in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    fn raise_one(&self, (partition, epoch): (Partition, u64)) -> BoxFuture<'static, Result<(), FenceError>> {
        let database = self.0.clone();
        let fence = fence::Fence {
            partition: partition.0,
            epoch,
        };
        Box::pin(async move {
            match fence::raise(&database, fence).await {
                Ok(()) => Ok(()),
                Err(Error::Fenced) => Err(FenceError::Later),
                Err(error) => Err(FenceError::Store(error.to_string())),
            }
        })
    }
}

impl Fence for StoreFence {
    fn raise(&self, partitions: Vec<(Partition, u64)>) -> BoxFuture<'_, Vec<Result<(), FenceError>>> {
        let raising: Vec<_> = partitions
            .into_iter()
            .map(|partition| self.raise_one(partition))
            .collect();
        Box::pin(futures_util::stream::iter(raising).buffered(RAISED_AT_ONCE).collect())
    }
}
