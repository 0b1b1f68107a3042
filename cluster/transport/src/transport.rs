//! The face of the network between nodes. Callers hold an `Arc<dyn Transport>`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::BoxFuture;

/// One node of the cluster. Given out when it joins, never to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a call is for; each has one [`Service`] on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u8);

/// Why a call has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection, or it broke; whether the call had an effect is unknown.
    #[error("node cannot be reached")]
    Unreachable,
    /// The other node does not serve this, or does not trust us.
    #[error("node refused the call")]
    Refused,
    /// No reply in time; whether the call has an effect is unknown.
    #[error("no reply before the deadline")]
    Deadline,
    /// The request or its reply is larger than a frame may be.
    #[error("payload is too large")]
    TooLarge,
    /// Too many calls wait; nothing was done.
    #[error("too many calls wait")]
    Overloaded,
}

/// The way to other nodes.
pub trait Transport: Send + Sync {
    /// This node.
    fn node(&self) -> NodeId;
    /// Calls `service` on the node `to` and waits for the reply, at most `within`.
    fn call(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>>;
    /// Answers calls to `service` with `handler` from now on.
    fn serve(&self, service: ServiceId, handler: Arc<dyn Service>);
}

/// Answers calls from other nodes.
pub trait Service: Send + Sync {
    /// The reply to `payload`, which `from` waits for during `within`.
    fn call(&self, from: NodeId, payload: Bytes, within: Duration) -> BoxFuture<'_, Bytes>;
}
