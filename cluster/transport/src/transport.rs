//! The face of every transport: who calls, who serves, and how a call fails.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::Stream;

/// One node of a cluster, for as long as the cluster lives: numbers of nodes that left are not given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which service of a node a call is for. Numbers are part of the wire protocol and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u8);

impl ServiceId {
    /// Metadata: Raft.
    pub const METADATA: Self = Self(1);
    /// Requests to entities.
    pub const ENTITIES: Self = Self(2);
    /// Hints of entities.
    pub const HINTS: Self = Self(3);
    /// Membership: heartbeats, joining, leaving.
    pub const MEMBERSHIP: Self = Self(4);
    /// Signed-in sessions: who there is, and the end of them.
    pub const SESSIONS: Self = Self(5);
    /// Ways to nodes that are not reached directly.
    pub const WAYS: Self = Self(6);
}

/// Why a call has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The node cannot be reached, or the connection broke meanwhile: whether there was an effect is unknown.
    #[error("node cannot be reached")]
    Unreachable,
    /// The node does not offer the service, or does not take this node for one of its cluster. Nothing was done.
    #[error("node refuses the call")]
    Refused,
    /// No reply in time: whether there is an effect is unknown.
    #[error("no reply before the deadline")]
    Deadline,
    /// The payload is larger than the transport carries. Nothing was done, unless it is the reply that is too large.
    #[error("payload is too large")]
    TooLarge,
    /// Too many calls are under way. Nothing was done.
    #[error("too many calls are under way")]
    Overloaded,
}

impl CallError {
    /// How metrics name it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Deadline => "deadline",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
        }
    }
}

/// One node's way to the others.
pub trait Transport: Send + Sync + 'static {
    /// Which node this is.
    fn node(&self) -> NodeId;
    /// Asks `service` of the node `to` and waits for the reply, at most `within`. Calls overtake each other. The node
    /// itself may be called too.
    fn call(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>>;
    /// Opens a stream to `service` of the node `to`; `payload` says what for. A stream that is refused, or whose
    /// connection breaks, ends as broken.
    fn open(&self, to: NodeId, service: ServiceId, payload: Bytes) -> BoxFuture<'_, Result<Stream, CallError>>;
    /// Answers calls and streams for `id` by `service` from now on.
    fn serve(&self, id: ServiceId, service: Arc<dyn Service>);
    /// Which other nodes live, in order, for a transport that wants to know some of them before it needs them.
    fn know(&self, nodes: &[NodeId]) {
        let _ = nodes;
    }
}

/// What answers calls of other nodes. Its errors are part of its replies.
pub trait Service: Send + Sync + 'static {
    /// Answers one call of the node `from`, which waits for `within` at most. The future may be dropped after that.
    fn call(&self, from: NodeId, payload: Bytes, within: Duration) -> BoxFuture<'_, Bytes>;
    /// Whether the future of a call may be dropped as soon as its caller has given up.
    fn is_revocable(&self) -> bool {
        false
    }
    /// Serves one stream that the node `from` has opened; it ends with the future. Refused unless overridden.
    fn stream(&self, from: NodeId, payload: Bytes, stream: Stream) -> BoxFuture<'_, ()> {
        let _ = (from, payload);
        drop(stream);
        Box::pin(std::future::ready(()))
    }
}
