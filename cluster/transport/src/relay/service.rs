//! What a node does for others: tells whom it reaches, carries for them, and serves what others carried.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::BoxFuture;

use super::round::ask_alive;
use super::transport::Inner;
use super::wire::{self, Answer, Question};
use crate::{CallError, NodeId, Service, ServiceId, Stream, StreamReceiver, StreamSender};

/// The service behind [`ServiceId::WAYS`]. Holds no node alive: the transport below outlives it.
pub(super) struct WaysService(pub Weak<Inner>);

impl Service for WaysService {
    fn call(&self, from: NodeId, payload: Bytes, within: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(async move {
            let Some(inner) = self.0.upgrade() else {
                return wire::wrap(&Answer::Failed(CallError::Refused.into()), &[]);
            };
            let Some((question, payload)) = wire::unwrap(payload) else {
                // Asked by a later release; it reads that nothing was done.
                return Bytes::new();
            };
            let (answer, reply) = match question {
                Question::Alive => (Answer::Alive, Bytes::new()),
                Question::Reach(target) => {
                    let is_reached = inner.reaches(NodeId(target), within).await;
                    (Answer::Reached(is_reached), Bytes::new())
                }
                Question::Forward { target, service } => {
                    let envelope = wire::wrap(&Question::deliver(from, ServiceId(service)), &payload);
                    return inner.carry(NodeId(target), envelope, within).await;
                }
                Question::Deliver { origin, service } => {
                    let service = ServiceId(service);
                    inner.take_delivery(NodeId(origin), service, payload, within).await
                }
            };
            wire::wrap(&answer, &reply)
        })
    }
    /// When who asks has given up, so does who carries; a service that may not be given up goes on by itself.
    fn is_revocable(&self) -> bool {
        true
    }
    fn stream(&self, from: NodeId, payload: Bytes, stream: Stream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(inner) = self.0.upgrade() else { return };
            match wire::unwrap(payload) {
                Some((Question::Forward { target, service }, payload)) => {
                    let envelope = wire::wrap(&Question::deliver(from, ServiceId(service)), &payload);
                    inner.carry_stream(NodeId(target), envelope, stream).await;
                }
                Some((Question::Deliver { origin, service }, payload)) => {
                    let service = inner.find(ServiceId(service));
                    drop(inner);
                    if let Some(service) = service {
                        service.stream(NodeId(origin), payload, stream).await;
                    }
                }
                // Dropping it tells the other end.
                _ => {}
            }
        })
    }
}

impl Inner {
    fn find(&self, id: ServiceId) -> Option<Arc<dyn Service>> {
        self.services.read().get(&id).cloned()
    }
    async fn reaches(&self, target: NodeId, within: Duration) -> bool {
        if target == self.direct.node() {
            return false;
        }
        let is_known = self.ways.lock().is_reached(target, self.env.now_micros());
        // The answer has to be back in time.
        is_known || ask_alive(self, target, within / 2).await
    }
    async fn carry(&self, target: NodeId, envelope: Bytes, within: Duration) -> Bytes {
        let route = {
            let mut ways = self.ways.lock();
            // A second step would make circles possible.
            let is_possible = target != self.direct.node() && !ways.is_cut(target);
            is_possible.then(|| ways.route(target, self.env.now_micros()))
        };
        let reply = match route {
            Some(route) if route.first == target => self.call_directly(&route, ServiceId::WAYS, envelope, within).await,
            _ => {
                self.metrics.carried.with_label_values(&["unreached"]).inc();
                return wire::wrap(&Answer::Unreached, &[]);
            }
        };
        let result = reply.as_ref().map_or_else(|error| error.label(), |_| "ok");
        self.metrics.carried.with_label_values(&[result]).inc();
        match reply {
            Ok(reply) => reply,
            // Of a release that does not know of this: nothing was done.
            Err(CallError::Refused) => wire::wrap(&Answer::Unreached, &[]),
            Err(error) => wire::wrap(&Answer::Failed(error.into()), &[]),
        }
    }
    async fn take_delivery(&self, origin: NodeId, id: ServiceId, payload: Bytes, within: Duration) -> (Answer, Bytes) {
        let Some(service) = self.find(id) else {
            return (Answer::Failed(CallError::Refused.into()), Bytes::new());
        };
        if service.is_revocable() {
            return (Answer::Reply, service.call(origin, payload, within).await);
        }
        // It is not ended with the call that asked for it.
        let serving = hongyan_env::spawn(async move { service.call(origin, payload, within).await });
        match serving.await {
            Ok(reply) => (Answer::Reply, reply),
            Err(_) => (Answer::Failed(CallError::Unreachable.into()), Bytes::new()),
        }
    }
    async fn carry_stream(&self, target: NodeId, envelope: Bytes, near: Stream) {
        if target == self.direct.node() || self.ways.lock().is_cut(target) {
            self.metrics.carried.with_label_values(&["unreached"]).inc();
            return;
        }
        let opened = self.direct.open(target, ServiceId::WAYS, envelope).await;
        let result = opened.as_ref().map_or_else(|error| error.label(), |_| "ok");
        self.metrics.carried.with_label_values(&[result]).inc();
        let Ok(far) = opened else { return };
        tokio::join!(pump(near.receiver, far.sender), pump(far.receiver, near.sender));
    }
}

/// Hands pieces on until one side ends. A break on one side breaks the other: each end is dropped unfinished.
async fn pump(mut receiver: StreamReceiver, mut sender: StreamSender) {
    loop {
        match receiver.recv().await {
            Ok(Some(piece)) => {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
            Ok(None) => return sender.finish(),
            Err(_) => return,
        }
    }
}
