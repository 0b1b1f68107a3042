//! How an entity's requests and replies travel between nodes.

use bytes::Bytes;

use crate::Entity;

/// Bytes of another node that are no request or reply of this kind, or a value that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a value of this kind: {0}")]
pub struct WireError(pub String);

/// An entity that other nodes may ask.
///
/// Nodes of adjacent releases speak to each other: enums grow at their end only. A reply may be told as a difference
/// to what the asker says in its request that it has; so both ends see the request with the reply.
pub trait WireEntity: Entity<Request: Clone> {
    /// Writes a request.
    ///
    /// # Errors
    /// When it cannot leave this node.
    fn encode_request(services: &Self::Services, request: &Self::Request) -> Result<Bytes, WireError>;
    /// Reads a request that another node has written.
    ///
    /// # Errors
    /// When `bytes` are none.
    fn decode_request(services: &Self::Services, bytes: Bytes) -> Result<Self::Request, WireError>;
    /// Writes the reply to `request`, which came from another node.
    ///
    /// # Errors
    /// When it cannot leave this node.
    fn encode_reply(
        services: &Self::Services,
        request: &Self::Request,
        reply: &Self::Reply,
    ) -> Result<Bytes, WireError>;
    /// Reads the reply to `request`, which this node has sent.
    ///
    /// # Errors
    /// When `bytes` are none.
    fn decode_reply(services: &Self::Services, request: &Self::Request, bytes: Bytes)
    -> Result<Self::Reply, WireError>;
}
