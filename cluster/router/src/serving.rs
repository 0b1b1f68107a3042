//! Answers what other nodes ask of entities here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::RequestId;
use hongyan_env::BoxFuture;
use hongyan_telemetry as telemetry;
use hongyan_transport::{NodeId, Service, Stream, codec};
use tokio::sync::Semaphore;

use crate::Placement;
use crate::call::{self, AnswerHead, CallHead};
use crate::kind::{Answered, Incoming};
use crate::large::{self, Broken, CALL_OCTETS_MAX, LargeHead, Messages, REQUEST_OCTETS_MAX, REQUESTS_OCTETS_MAX};
use crate::router::Kinds;

/// The service behind `ServiceId::ENTITIES`.
pub(crate) struct EntityService {
    kinds: Arc<Kinds>,
    placement: Arc<dyn Placement>,
    served: telemetry::CounterVec,
    /// Octets of large requests that may still come into memory.
    room: Semaphore,
}

impl EntityService {
    pub(crate) fn new(kinds: Arc<Kinds>, placement: Arc<dyn Placement>) -> Self {
        Self {
            kinds,
            placement,
            room: Semaphore::new(REQUESTS_OCTETS_MAX),
            served: telemetry::counter_vec(
                "hongyan_router_served_total",
                "Asks of other nodes, by what they were answered.",
                &["kind", "answer"],
            ),
        }
    }
    async fn answer_call(&self, payload: Bytes, within: Duration) -> (AnswerHead, Bytes) {
        let Some((CallHead::V1 { kind, key, id }, request)) = call::decode(payload) else {
            return (AnswerHead::NotServed, Bytes::new());
        };
        let incoming = Incoming {
            key,
            id: RequestId(id),
            request: vec![request],
            within,
        };
        let (head, reply) = self.answer(&kind, incoming).await;
        let Some(mut reply) = reply else {
            return (head, Bytes::new());
        };
        match (reply.next(), reply.next()) {
            (Some(Ok(only)), None) if only.len() <= CALL_OCTETS_MAX => (head, only),
            (Some(Ok(_)), None | Some(Ok(_))) => (AnswerHead::Large, Bytes::new()),
            _ => (AnswerHead::Unavailable, Bytes::new()),
        }
    }
    /// Answers what came by a stream: the pieces of a request, and then those of the reply to it.
    async fn answer_stream(&self, payload: &Bytes, stream: Stream) -> Result<(), Broken> {
        let Stream { mut sender, receiver } = stream;
        let LargeHead::V1 {
            kind,
            key,
            id,
            within_micros,
        } = codec::decode(payload).map_err(|_| Broken)?;
        let mut messages = Messages::new(receiver);
        let (mut request, mut octets) = (Vec::new(), 0);
        let mut room = Vec::new();
        while let Some(piece) = messages.next().await? {
            octets += piece.len();
            if octets > REQUEST_OCTETS_MAX {
                return Err(Broken);
            }
            let length = u32::try_from(piece.len()).map_err(|_| Broken)?;
            // Full: the asker gives way to others and comes again, rather than that all wait for each other.
            room.push(self.room.try_acquire_many(length).map_err(|_| Broken)?);
            request.push(piece);
        }
        let incoming = Incoming {
            key,
            id: RequestId(id),
            request,
            within: Duration::from_micros(within_micros),
        };
        let (head, reply) = self.answer(&kind, incoming).await;
        drop(room);
        let head = codec::encode(&head).map_err(|_| Broken)?;
        large::send(&mut sender, head).await?;
        for piece in reply.into_iter().flatten() {
            large::send(&mut sender, piece.map_err(|_| Broken)?).await?;
        }
        sender.finish();
        Ok(())
    }
    async fn answer(&self, kind: &str, incoming: Incoming) -> Answered {
        let Some(found) = self.kinds.named(kind) else {
            return (AnswerHead::NotServed, None);
        };
        let answered = found.answer(Arc::clone(&self.placement), incoming).await;
        let label = match answered.0 {
            AnswerHead::Done => "done",
            AnswerHead::Moved(_) => "moved",
            AnswerHead::Overloaded => "overloaded",
            AnswerHead::Unavailable => "unavailable",
            AnswerHead::Deadline => "deadline",
            AnswerHead::NotServed | AnswerHead::Large => "not_served",
        };
        self.served.with_label_values(&[kind, label]).inc();
        answered
    }
}

impl Service for EntityService {
    fn call(&self, _: NodeId, payload: Bytes, within: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(async move {
            let (head, body) = self.answer_call(payload, within).await;
            // A head is a few octets of plain numbers: it can always be written.
            call::encode(&head, &body).unwrap_or_default()
        })
    }
    /// A request that an entity has not begun is then not begun for nobody.
    fn is_revocable(&self) -> bool {
        true
    }
    fn stream(&self, _: NodeId, payload: Bytes, stream: Stream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // The asker hears of it by the stream, which breaks.
            let _ = self.answer_stream(&payload, stream).await;
        })
    }
}
