//! What backends with their own optimistic concurrency control share: the transaction with its read-your-writes
//! overlay, the window of recent writes that commits are checked against, and the watches.
//!
//! A backend implements [`Engine`] and [`Snapshot`], checks each [`CommitRequest`] with a [`ConflictWindow`], and
//! gets a complete [`crate::Backend`] by [`OptimisticTransaction::begin`]. A backend that has all this itself
//! (FoundationDB) implements `Backend` directly.

mod overlay;
mod transaction;
mod watch;
mod window;

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

pub use overlay::{Overlay, Write, add};
pub use transaction::OptimisticTransaction;
pub use watch::{WATCHES_MAX, Watches};
pub use window::ConflictWindow;

use crate::{BoxFuture, CommitVersion, KeyRange, Result};

/// The committed state at one version.
pub trait Snapshot: Send + Sync + 'static {
    /// The version.
    fn version(&self) -> CommitVersion;
    /// The value of `key`.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>>;
    /// Calls `visit` for each pair of `range` in order, from the end when `reverse`, until it breaks.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    fn scan(&self, range: &KeyRange, reverse: bool, visit: &mut Visitor<'_>) -> Result<()>;
}

/// What [`Snapshot::scan`] calls for each pair.
pub type Visitor<'v> = dyn FnMut(Bytes, Bytes) -> ControlFlow<()> + 'v;

/// A store that hands out snapshots and applies checked commits.
pub trait Engine: Send + Sync + 'static {
    /// Its snapshots.
    type Snapshot: Snapshot;
    /// The state of the newest acknowledged commit. Cheap: called for each transaction.
    fn snapshot(&self) -> Arc<Self::Snapshot>;
    /// The clock that transactions age by, in microseconds from any start.
    fn now_micros(&self) -> u64;
    /// Checks the request for conflicts and applies it durably.
    fn commit(&self, request: CommitRequest) -> BoxFuture<'static, Result<CommitVersion>>;
    /// The watches that its commits fire.
    fn watches(&self) -> &Arc<Watches>;
    /// A place to hold or fail a read; production engines have none.
    fn before_read(&self) -> Option<BoxFuture<'static, Result<()>>> {
        None
    }
}

/// Keys that a transaction has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadConflict {
    /// One key.
    Key(Bytes),
    /// A range.
    Range(KeyRange),
}

/// A finished transaction on its way to the engine.
#[derive(Debug, Default)]
pub struct CommitRequest {
    /// The version that it has read.
    pub read_version: CommitVersion,
    /// What it has read.
    pub reads: Vec<ReadConflict>,
    /// What it writes.
    pub writes: Overlay,
    /// What counts as written beside `writes`.
    pub write_conflicts: Vec<KeyRange>,
}
