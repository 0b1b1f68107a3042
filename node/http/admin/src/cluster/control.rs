//! What the API asks of a node that is part of a cluster.

use std::time::Duration;

use hongyan_env::BoxFuture;

use super::{BackupView, ClusterView, Invitation, NodeChange, NodeView, PartitionsView, SettingView};

/// Why the cluster did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No such node or setting.
    #[error("{0}")]
    Unknown(String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The cluster is not in a state for it.
    #[error("{0}")]
    Refused(String),
    /// Nobody leads, or the leader cannot be reached. It may yet be done.
    #[error("no leader of the cluster answers: most of the voting nodes must be up and reach each other")]
    NoLeader,
}

/// Result of an operation.
pub type ControlResult<T> = Result<T, ControlError>;

/// The cluster's operations, each of which any node may be asked for. All return as soon as the cluster has agreed, not
/// when it is done: what follows is seen in [`Self::status`].
pub trait ClusterControl: Send + Sync + 'static {
    /// How things stand.
    fn status(&self) -> BoxFuture<'_, ControlResult<ClusterView>>;
    /// Lets one node join within `lifetime`.
    fn invite(&self, lifetime: Duration) -> BoxFuture<'_, ControlResult<Invitation>>;
    /// Moves all partitions away from `node`, in order.
    fn drain(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>>;
    /// Ends a drain.
    fn resume(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>>;
    /// Lets `node`, which owns nothing any more, go for good. If it looks after a server of the data store, that is emptied
    /// first: asked again when the status shows it emptied, the node goes.
    fn leave(&self, node: u64) -> BoxFuture<'_, ControlResult<NodeView>>;
    /// Changes where a node stands and how much it bears.
    fn change_node(&self, node: u64, change: NodeChange) -> BoxFuture<'_, ControlResult<NodeView>>;
    /// Moves partitions to where they belong, now, even if that is not done by itself.
    fn rebalance(&self) -> BoxFuture<'_, ControlResult<PartitionsView>>;
    /// All settings there are.
    fn settings(&self) -> BoxFuture<'_, ControlResult<Vec<SettingView>>>;
    /// Sets one, or with `None` goes back to its default.
    fn set(&self, key: String, value: Option<String>) -> BoxFuture<'_, ControlResult<SettingView>>;
    /// How the data store's backup is.
    fn backup(&self) -> BoxFuture<'_, ControlResult<BackupView>>;
    /// Begins to back the data store up, continuously, to a folder that all machines see or to an address.
    fn start_backup(&self, to: String) -> BoxFuture<'_, ControlResult<BackupView>>;
    /// Lets the backup end with what is committed by now.
    fn stop_backup(&self) -> BoxFuture<'_, ControlResult<BackupView>>;
}
