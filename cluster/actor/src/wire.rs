//! How an entity's requests and replies travel between nodes.

use bytes::Bytes;

use crate::Entity;

/// Bytes of another node that are no request or reply of this kind, or a value that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a value of this kind: {0}")]
pub struct WireError(pub String);

/// A long value as it travels: pieces of bounded size, written as they are sent.
pub type Pieces = Box<dyn Iterator<Item = Result<Bytes, WireError>> + Send>;

/// Reads a long reply as its pieces arrive.
pub trait Gather<E: WireEntity>: Send {
    /// The next piece.
    ///
    /// # Errors
    /// When it is none.
    fn push(&mut self, piece: Bytes) -> Result<(), WireError>;
    /// The reply, once all pieces are there.
    ///
    /// # Errors
    /// When they are none together.
    fn finish(self: Box<Self>, services: &E::Services, request: &E::Request) -> Result<E::Reply, WireError>;
}

/// What is left to say to a node that does not understand a request.
pub enum Older<E: Entity> {
    /// The same in older words, in pieces.
    Words(Vec<Bytes>),
    /// Nothing: but it may be taken for this answer.
    Reply(E::Reply),
    /// Nothing: only a node that understands can do it.
    Nothing,
}

/// An entity that other nodes may ask.
///
/// Nodes of adjacent releases speak to each other: enums grow at their end only, and what an older node does not understand is
/// said again in its words ([`Self::older`]). A reply may be told as a difference
/// to what the asker says in its request that it has; so both ends see the request with the reply. What may become longer
/// than about a megabyte is cut into pieces; the first piece of a value that is not says all of it.
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

    /// As [`Self::encode_request`], in pieces.
    ///
    /// # Errors
    /// When it cannot leave this node.
    fn encode_request_pieces(services: &Self::Services, request: &Self::Request) -> Result<Vec<Bytes>, WireError> {
        Ok(vec![Self::encode_request(services, request)?])
    }
    /// What to do where a node of an earlier release did not understand `request` in the words of `age`: 0 are those that
    /// [`Self::encode_request_pieces`] writes, 1 the ones before them.
    ///
    /// # Errors
    /// When it cannot leave this node.
    fn older(_: &Self::Services, _request: &Self::Request, _age: usize) -> Result<Older<Self>, WireError> {
        Ok(Older::Nothing)
    }
    /// As [`Self::decode_request`], of pieces.
    ///
    /// # Errors
    /// When `pieces` are none.
    fn decode_request_pieces(services: &Self::Services, mut pieces: Vec<Bytes>) -> Result<Self::Request, WireError> {
        match (pieces.pop(), pieces.is_empty()) {
            (Some(only), true) => Self::decode_request(services, only),
            _ => Err(not_one_piece()),
        }
    }
    /// As [`Self::encode_reply`], in pieces.
    ///
    /// # Errors
    /// When it cannot leave this node.
    fn encode_reply_pieces(
        services: &Self::Services,
        request: &Self::Request,
        reply: &Self::Reply,
    ) -> Result<Pieces, WireError> {
        let only = Self::encode_reply(services, request, reply)?;
        Ok(Box::new(std::iter::once(Ok(only))))
    }
    /// As [`Self::decode_reply`], of pieces.
    #[must_use]
    fn gather_reply() -> Box<dyn Gather<Self>> {
        Box::new(OnePiece(None))
    }
}

/// A reply that never takes more than one.
struct OnePiece(Option<Bytes>);

impl<E: WireEntity> Gather<E> for OnePiece {
    fn push(&mut self, piece: Bytes) -> Result<(), WireError> {
        match self.0.replace(piece) {
            None => Ok(()),
            Some(_) => Err(not_one_piece()),
        }
    }
    fn finish(self: Box<Self>, services: &E::Services, request: &E::Request) -> Result<E::Reply, WireError> {
        E::decode_reply(services, request, self.0.ok_or_else(not_one_piece)?)
    }
}

fn not_one_piece() -> WireError {
    WireError("not one piece".to_owned())
}
