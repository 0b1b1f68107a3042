//! What a protocol gives the listener.

use std::sync::Arc;

use crate::Connection;

/// Why a connection is turned away before its session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The node serves as many connections of this protocol as it may.
    TooManyConnections,
    /// This address (IPv6: this /64) has as many as it may.
    TooManyFromAddress,
    /// The node is going down.
    ShuttingDown,
}

impl Refusal {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::TooManyConnections => "total",
            Self::TooManyFromAddress => "address",
            Self::ShuttingDown => "shutdown",
        }
    }
}

/// A protocol as the listener sees it: one value, shared by all its sessions.
pub trait Service: Send + Sync + 'static {
    /// Short name for metrics and logs: `smtp`, `imap`.
    fn name(&self) -> &'static str;
    /// What to tell a client that is turned away, with its line end; sent on plain ports only.
    fn refusal(&self, refusal: Refusal) -> &'static [u8];
    /// Serves one connection to its end, on one arbiter: nothing in it need be `Send`.
    fn serve(self: Arc<Self>, connection: Connection) -> impl Future<Output = ()>;
}
