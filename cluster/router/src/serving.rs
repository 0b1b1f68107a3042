//! Answers what other nodes ask of entities here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::RequestId;
use hongyan_env::BoxFuture;
use hongyan_telemetry as telemetry;
use hongyan_transport::{NodeId, Service};

use crate::Placement;
use crate::call::{self, AnswerHead, CallHead};
use crate::kind::Incoming;
use crate::router::Kinds;

/// The service behind `ServiceId::ENTITIES`.
pub(crate) struct EntityService {
    kinds: Arc<Kinds>,
    placement: Arc<dyn Placement>,
    served: telemetry::CounterVec,
}

impl EntityService {
    pub(crate) fn new(kinds: Arc<Kinds>, placement: Arc<dyn Placement>) -> Self {
        Self {
            kinds,
            placement,
            served: telemetry::counter_vec(
                "hongyan_router_served_total",
                "Asks of other nodes, by what they were answered.",
                &["kind", "answer"],
            ),
        }
    }
    async fn answer(&self, payload: Bytes, within: Duration) -> (AnswerHead, Bytes) {
        let Some((CallHead::V1 { kind, key, id }, request)) = call::decode(payload) else {
            return (AnswerHead::NotServed, Bytes::new());
        };
        let Some(found) = self.kinds.named(&kind) else {
            return (AnswerHead::NotServed, Bytes::new());
        };
        let incoming = Incoming {
            key,
            id: RequestId(id),
            request,
            within,
        };
        let answered = found.answer(Arc::clone(&self.placement), incoming).await;
        let label = match answered.0 {
            AnswerHead::Done => "done",
            AnswerHead::Moved(_) => "moved",
            AnswerHead::Overloaded => "overloaded",
            AnswerHead::Unavailable => "unavailable",
            AnswerHead::Deadline => "deadline",
            AnswerHead::NotServed => "not_served",
        };
        self.served.with_label_values(&[kind.as_str(), label]).inc();
        answered
    }
}

impl Service for EntityService {
    fn call(&self, _: NodeId, payload: Bytes, within: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(async move {
            let (head, body) = self.answer(payload, within).await;
            // A head is a few octets of plain numbers: it can always be written.
            call::encode(&head, &body).unwrap_or_default()
        })
    }
}
