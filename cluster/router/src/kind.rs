//! One kind of entity as this node serves it, with its type or without.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{
    Entity, EntityHost, EntityId, EntityKey, Gather, HostError, Older, Pieces, RequestId, Tenure, Terms, WireEntity,
    WireError,
};
use hongyan_env::BoxFuture;

use crate::call::AnswerHead;
use crate::{Located, Placement};

/// The pieces of a reply on their way to being one, for kinds of which it is not known here that they travel.
pub(crate) struct ReplyGather<E: Entity>(Box<dyn Pushed<E>>);

trait Pushed<E: Entity>: Send {
    fn push(&mut self, piece: Bytes) -> Result<(), WireError>;
    fn finish(self: Box<Self>, services: &E::Services, request: &E::Request) -> Result<E::Reply, WireError>;
}

impl<E: WireEntity> Pushed<E> for Box<dyn Gather<E>> {
    fn push(&mut self, piece: Bytes) -> Result<(), WireError> {
        Gather::push(&mut **self, piece)
    }
    fn finish(self: Box<Self>, services: &E::Services, request: &E::Request) -> Result<E::Reply, WireError> {
        Gather::finish(*self, services, request)
    }
}

impl<E: Entity> ReplyGather<E> {
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<(), WireError> {
        self.0.push(piece)
    }
    pub(crate) fn finish(self, services: &E::Services, request: &E::Request) -> Result<E::Reply, WireError> {
        self.0.finish(services, request)
    }
}

/// How values of this kind travel, as plain functions, so that kinds that do not travel need none.
pub(crate) struct Wire<E: Entity> {
    pub encode_request: fn(&E::Services, &E::Request) -> Result<Vec<Bytes>, WireError>,
    pub decode_request: fn(&E::Services, Vec<Bytes>) -> Result<E::Request, WireError>,
    pub older: fn(&E::Services, &E::Request, usize) -> Result<Older<E>, WireError>,
    pub encode_reply: fn(&E::Services, &E::Request, &E::Reply) -> Result<Pieces, WireError>,
    pub gather_reply: fn() -> ReplyGather<E>,
    pub copy: fn(&E::Request) -> E::Request,
}

impl<E: WireEntity> Wire<E> {
    pub(crate) fn new() -> Self {
        Self {
            encode_request: E::encode_request_pieces,
            decode_request: E::decode_request_pieces,
            older: E::older,
            encode_reply: E::encode_reply_pieces,
            gather_reply: || ReplyGather(Box::new(E::gather_reply())),
            copy: E::Request::clone,
        }
    }
}

/// One kind.
pub(crate) struct Kind<E: Entity> {
    pub host: EntityHost<E>,
    pub wire: Option<Wire<E>>,
}

/// A request of another node.
pub(crate) struct Incoming {
    pub key: Vec<u8>,
    pub id: RequestId,
    /// In pieces.
    pub request: Vec<Bytes>,
    pub within: Duration,
}

/// The answer to it, without its envelope; with a reply if it is `Done`.
pub(crate) type Answered = (AnswerHead, Option<Pieces>);

/// A kind whose type only its own code knows.
pub(crate) trait AnyKind: Send + Sync {
    /// The identity behind `key`, if it is one of this kind.
    fn entity_id(&self, key: &[u8]) -> Option<EntityId>;
    /// Answers another node.
    fn answer(&self, placement: Arc<dyn Placement>, incoming: Incoming) -> BoxFuture<'_, Answered>;
}

impl<E: Entity> AnyKind for Kind<E> {
    fn entity_id(&self, key: &[u8]) -> Option<EntityId> {
        E::Key::read(key).map(|key| key.entity_id())
    }
    fn answer(&self, placement: Arc<dyn Placement>, incoming: Incoming) -> BoxFuture<'_, Answered> {
        Box::pin(async move {
            let answered = self.try_answer(&*placement, incoming).await;
            answered.unwrap_or_else(|head| (head, None))
        })
    }
}

impl<E: Entity> Kind<E> {
    async fn try_answer(&self, placement: &dyn Placement, incoming: Incoming) -> Result<Answered, AnswerHead> {
        let wire = self.wire.as_ref().ok_or(AnswerHead::NotServed)?;
        let key = E::Key::read(&incoming.key).ok_or(AnswerHead::NotServed)?;
        let services = self.host.services();
        let request = (wire.decode_request)(services, incoming.request).map_err(|error| {
            tracing::warn!(kind = E::Key::KIND, %error, "request of another node is not understood");
            AnswerHead::NotServed
        })?;
        let partition = placement.partitions().of_hash(key.entity_id().stable_hash());
        let epoch = match placement.locate(partition) {
            Located::Here { epoch } => epoch,
            Located::There(node) => return Err(AnswerHead::Moved(Some(node.0))),
            Located::Unknown => return Err(AnswerHead::Moved(None)),
        };
        let terms = Terms {
            id: incoming.id,
            tenure: Tenure { partition, epoch },
            within: incoming.within,
        };
        let reply = self.host.ask(&key, (wire.copy)(&request), &terms).await;
        let reply = reply.map_err(|error| match error {
            HostError::Overloaded => AnswerHead::Overloaded,
            HostError::Unavailable => AnswerHead::Unavailable,
            HostError::Deadline => AnswerHead::Deadline,
        })?;
        // Another owner may have gone on meanwhile: what this one knows may be old by now.
        if placement.locate(partition) != (Located::Here { epoch }) {
            return Err(AnswerHead::Moved(None));
        }
        let reply = (wire.encode_reply)(services, &request, &reply).map_err(|error| {
            tracing::error!(kind = E::Key::KIND, %error, "a reply cannot leave this node");
            AnswerHead::Unavailable
        })?;
        Ok((AnswerHead::Done, Some(reply)))
    }
}
