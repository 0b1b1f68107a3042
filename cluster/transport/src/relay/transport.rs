//! The layer itself: sends each call and stream the way that works.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use parking_lot::{Mutex, RwLock};

use super::metrics::Metrics;
use super::options::RelayOptions;
use super::round;
use super::service::WaysService;
use super::ways::{Route, Turn, Ways};
use super::wire::{self, Answer, Question};
use crate::stream::StreamBreaker;
use crate::{CallError, NodeId, Service, ServiceId, Stream, Transport};

/// A transport that goes round cuts.
///
/// A call that waits on a way when that is found cut fails as `Unreachable`, as with any connection that breaks: whether it
/// had an effect is unknown, and its caller decides. The next one goes round.
pub struct RelayTransport(Arc<Inner>);

pub(super) struct Inner {
    pub env: Env,
    /// Reaches other nodes directly or not at all.
    pub direct: Arc<dyn Transport>,
    pub ways: Mutex<Ways>,
    pub services: RwLock<BTreeMap<ServiceId, Arc<dyn Service>>>,
    pub metrics: Metrics,
    pub options: RelayOptions,
    streams: Mutex<Vec<OpenStream>>,
    neighbours: Mutex<Vec<NodeId>>,
}

struct OpenStream {
    first: NodeId,
    to: NodeId,
    breaker: StreamBreaker,
}

impl RelayTransport {
    /// Goes round cuts of `direct` from now on; its task runs on the present runtime and ends with the last handle.
    #[must_use]
    pub fn start(env: Env, direct: Arc<dyn Transport>, options: RelayOptions) -> Arc<Self> {
        let inner = Arc::new(Inner {
            ways: Mutex::new(Ways::new(options.clone(), env.now_micros())),
            env,
            direct,
            services: RwLock::default(),
            metrics: Metrics::new(),
            options,
            streams: Mutex::default(),
            neighbours: Mutex::default(),
        });
        let service = WaysService(Arc::downgrade(&inner));
        inner.direct.serve(ServiceId::WAYS, Arc::new(service));
        hongyan_env::spawn(round::run(Arc::downgrade(&inner)));
        Arc::new(Self(inner))
    }
}

impl Transport for RelayTransport {
    fn node(&self) -> NodeId {
        self.0.direct.node()
    }
    fn call(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        if to == self.0.direct.node() {
            return self.0.direct.call(to, service, payload, within);
        }
        Box::pin(self.0.call(to, service, payload, within))
    }
    fn open(&self, to: NodeId, service: ServiceId, payload: Bytes) -> BoxFuture<'_, Result<Stream, CallError>> {
        if to == self.0.direct.node() {
            return self.0.direct.open(to, service, payload);
        }
        Box::pin(self.0.open(to, service, payload))
    }
    fn serve(&self, id: ServiceId, service: Arc<dyn Service>) {
        self.0.services.write().insert(id, Arc::clone(&service));
        self.0.direct.serve(id, service);
    }
    /// Keeps ways to those that follow this node in a circle: each node is known to some others.
    fn know(&self, nodes: &[NodeId]) {
        let own = self.0.direct.node();
        let (before, after): (Vec<NodeId>, Vec<NodeId>) =
            nodes.iter().filter(|node| **node != own).partition(|node| **node < own);
        let circle = after.into_iter().chain(before);
        *self.0.neighbours.lock() = circle.take(self.0.options.neighbours_max).collect();
    }
}

impl Inner {
    async fn call(&self, to: NodeId, service: ServiceId, payload: Bytes, within: Duration) -> Result<Bytes, CallError> {
        let route = self.ways.lock().route(to, self.env.now_micros());
        if route.first == to {
            return self.call_directly(&route, service, payload, within).await;
        }
        let wrapped = wire::wrap(&Question::forward(to, service), &payload);
        let carried = async {
            let rerouted = route.rerouted.notified();
            tokio::select! {
                biased;
                () = rerouted => Err(CallError::Unreachable),
                reply = self.call_directly(&route, ServiceId::WAYS, wrapped, within) => reply,
            }
        };
        let reply = match carried.await {
            Ok(reply) => self.read_carried(to, route.first, reply),
            Err(error) => Err(error),
        };
        let result = reply.as_ref().map_or_else(|error| error.label(), |_| "ok");
        self.metrics.relayed.with_label_values(&[result]).inc();
        reply
    }
    fn read_carried(&self, to: NodeId, via: NodeId, reply: Bytes) -> Result<Bytes, CallError> {
        match wire::unwrap(reply) {
            Some((Answer::Reply, reply)) => Ok(reply),
            Some((Answer::Failed(failure), _)) => Err(failure.into()),
            // Nothing was done; the next one goes another way.
            _ => {
                let turn = self.ways.lock().unreached(to, via, self.env.now_micros());
                self.show(to, turn);
                Err(CallError::Unreachable)
            }
        }
    }
    /// Calls `route.first` itself; given up when the way there is.
    pub(super) async fn call_directly(
        &self,
        route: &Route,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let to = route.first;
        let _waiting = Waiting::new(self, to);
        let broken = route.broken.notified();
        let reply = tokio::select! {
            biased;
            reply = self.direct.call(to, service, payload, within) => reply,
            () = broken => Err(CallError::Unreachable),
        };
        if matches!(reply, Ok(_) | Err(CallError::Refused)) {
            self.heard(to, None);
        }
        reply
    }
    async fn open(&self, to: NodeId, service: ServiceId, payload: Bytes) -> Result<Stream, CallError> {
        let route = self.ways.lock().route(to, self.env.now_micros());
        let first = route.first;
        let broken = route.broken.notified();
        let opening = if first == to {
            self.direct.open(to, service, payload)
        } else {
            let wrapped = wire::wrap(&Question::forward(to, service), &payload);
            self.direct.open(first, ServiceId::WAYS, wrapped)
        };
        let opened = {
            let _waiting = Waiting::new(self, first);
            tokio::select! {
                biased;
                opened = opening => opened,
                () = broken => Err(CallError::Unreachable),
            }
        };
        if first != to {
            let result = opened.as_ref().map_or_else(|error| error.label(), |_| "ok");
            self.metrics.relayed.with_label_values(&[result]).inc();
        }
        let stream = opened?;
        self.streams.lock().push(OpenStream {
            first,
            to,
            breaker: stream.breaker(),
        });
        Ok(stream)
    }
    /// Notes a sign of life on the direct way.
    pub(super) fn heard(&self, node: NodeId, knows: Option<bool>) {
        let turn = self.ways.lock().heard(node, knows, self.env.now_micros());
        self.show(node, turn);
    }
    /// Tells people of a change.
    pub(super) fn show(&self, node: NodeId, turn: Option<Turn>) {
        match turn {
            None => return,
            // One that is not reached for a moment only is not worth a word.
            Some(Turn::Detour(via)) => tracing::debug!(%node, %via, "node is asked through another one"),
            Some(Turn::Direct { was_given_up: false }) => {}
            Some(Turn::Direct { was_given_up: true }) => tracing::info!(%node, "node is reached directly again"),
            Some(Turn::Lost) => tracing::warn!(%node, "no other node reaches this one any more either"),
        }
        let detours = self.ways.lock().detours();
        self.metrics.detours.set(i64::try_from(detours).unwrap_or(i64::MAX));
    }
    /// Tells people that nothing comes over the direct way any more, and ends what waits on it.
    pub(super) fn give_up(&self, node: NodeId) {
        self.metrics.cuts.inc();
        tracing::warn!(%node, "node is not reached directly any more: what is for it goes through another one");
        self.break_streams(|first, _| first == node);
    }
    /// Breaks the streams for which `is_meant` says so of their first step and their node.
    pub(super) fn break_streams(&self, is_meant: impl Fn(NodeId, NodeId) -> bool) {
        let meant: Vec<OpenStream> = {
            let mut streams = self.streams.lock();
            let (meant, kept) = streams.drain(..).partition(|open| is_meant(open.first, open.to));
            *streams = kept;
            meant
        };
        for open in meant {
            open.breaker.break_it();
        }
    }
    /// Forgets streams that have ended; the ways of the others matter, and those to neighbours.
    pub(super) fn note_use(&self, now: u64) {
        let used: Vec<(NodeId, NodeId)> = {
            let mut streams = self.streams.lock();
            streams.retain(|open| open.breaker.is_open());
            streams.iter().map(|open| (open.first, open.to)).collect()
        };
        let neighbours = self.neighbours.lock().clone();
        let mut ways = self.ways.lock();
        for node in neighbours {
            ways.touch(node, now);
        }
        for (first, to) in used {
            ways.touch(first, now);
            ways.touch(to, now);
        }
    }
}

/// A call that waits on the way to a node.
struct Waiting<'a> {
    inner: &'a Inner,
    on: NodeId,
}

impl<'a> Waiting<'a> {
    fn new(inner: &'a Inner, on: NodeId) -> Self {
        inner.ways.lock().wait(on, inner.env.now_micros());
        Self { inner, on }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.inner.ways.lock().unwait(self.on);
    }
}

#[cfg(test)]
impl RelayTransport {
    /// Whether what is for `node` goes through another one.
    pub(super) fn is_detour(&self, node: NodeId) -> bool {
        self.0.ways.lock().is_cut(node)
    }
}
