//! Tells other nodes the hints of entities here: one stream for each node that has a subscriber.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::EntityId;
use hongyan_env::{BoxFuture, Env};
use hongyan_telemetry as telemetry;
use hongyan_transport::{NodeId, Service, Stream, StreamReceiver, StreamSender};
use parking_lot::Mutex;

use crate::Hints;
use crate::hint_wire::{self, ENTRIES_MAX, Name, Notice, Order};
use crate::hints::Outbox;
use crate::router::Kinds;

/// Entities that one node may subscribe to here.
const SUBSCRIPTIONS_MAX: usize = 1 << 20;

/// The service behind `ServiceId::HINTS`.
pub(crate) struct HintService {
    env: Env,
    kinds: Arc<Kinds>,
    hints: Hints,
    sent: telemetry::Counter,
    lag: telemetry::Histogram,
    subscriptions: telemetry::Gauge,
}

impl HintService {
    pub(crate) fn new(env: Env, kinds: Arc<Kinds>, hints: Hints) -> Self {
        Self {
            env,
            kinds,
            hints,
            sent: telemetry::counter("hongyan_router_hints_sent_total", "Hints told to other nodes."),
            lag: telemetry::histogram(
                "hongyan_router_hint_lag_seconds",
                "From a hint's publication to its being on the way to another node.",
            ),
            subscriptions: telemetry::gauge(
                "hongyan_router_remote_subscriptions",
                "Entities here that other nodes listen to.",
            ),
        }
    }
    /// Takes orders until the stream ends.
    async fn take_orders(&self, listener: &Listener<'_>, mut receiver: StreamReceiver) {
        while let Ok(Some(piece)) = receiver.recv().await {
            let Some(orders) = hint_wire::decode::<Order>(&piece) else {
                return;
            };
            for order in orders {
                match order {
                    Order::Subscribe(name) => {
                        if let Some(id) = name.entity(&self.kinds)
                            && !listener.add(id)
                        {
                            return;
                        }
                    }
                    Order::Unsubscribe(name) => {
                        if let Some(id) = name.entity(&self.kinds) {
                            listener.remove(&id);
                        }
                    }
                }
            }
        }
    }
    /// Tells what comes until the stream ends.
    async fn tell(&self, outbox: &Outbox, sender: &mut StreamSender) {
        loop {
            let (mut notices, mut waited) = (Vec::new(), Vec::new());
            for (id, told) in outbox.take(ENTRIES_MAX) {
                if told.is_subscribed {
                    notices.push(Notice::Subscribed(Name::new(&id)));
                }
                if let Some(hint) = told.hint {
                    waited.push(told.since_micros);
                    notices.push(Notice::Hint {
                        name: Name::new(&id),
                        number: hint.number,
                        commit_version: hint.commit_version,
                    });
                }
            }
            if notices.is_empty() {
                outbox.filled.notified().await;
                continue;
            }
            if sender.send(hint_wire::encode(&notices)).await.is_err() {
                return;
            }
            let now = self.env.now_micros();
            for since in waited {
                self.sent.inc();
                let lag = Duration::from_micros(now.saturating_sub(since));
                self.lag.observe(lag.as_secs_f64());
            }
        }
    }
}

impl Service for HintService {
    fn call(&self, _: NodeId, _: Bytes, _: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(std::future::ready(Bytes::new()))
    }
    fn stream(&self, _: NodeId, _: Bytes, stream: Stream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Stream { mut sender, receiver } = stream;
            let outbox = Arc::new(Outbox::new(self.env.clone()));
            let listener = Listener {
                service: self,
                outbox: Arc::clone(&outbox),
                subscribed: Mutex::default(),
            };
            // Side by side: neither waits for the other, so two nodes cannot wait for each other.
            tokio::select! {
                biased;
                () = self.take_orders(&listener, receiver) => {}
                () = self.tell(&outbox, &mut sender) => {}
            }
            drop(listener);
            sender.finish();
        })
    }
}

/// What one stream has subscribed to; it goes with the stream.
struct Listener<'a> {
    service: &'a HintService,
    outbox: Arc<Outbox>,
    subscribed: Mutex<BTreeSet<EntityId>>,
}

impl Listener<'_> {
    /// False when there are too many.
    fn add(&self, id: EntityId) -> bool {
        let mut subscribed = self.subscribed.lock();
        if subscribed.len() >= SUBSCRIPTIONS_MAX {
            return false;
        }
        self.service.hints.add_other(&id, &self.outbox);
        if subscribed.insert(id) {
            self.service.subscriptions.inc();
        }
        true
    }
    fn remove(&self, id: &EntityId) {
        if self.subscribed.lock().remove(id) {
            self.service.subscriptions.dec();
            self.service.hints.remove_other(id, &self.outbox);
        }
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        for id in std::mem::take(&mut *self.subscribed.lock()) {
            self.service.subscriptions.dec();
            self.service.hints.remove_other(&id, &self.outbox);
        }
    }
}
