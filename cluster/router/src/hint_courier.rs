//! Brings the hints of entities on other nodes to the sessions of this one; and passes the news of moves on.
//!
//! Knows which entities somebody here listens to and who owns them; keeps one stream to each such owner while it is
//! needed. After every beginning (a first subscription, another owner, a stream that broke) the listeners are told to look
//! for themselves, so a hint that was lost on the way loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use hongyan_actor::{Arbiters, EntityId, Epoch};
use hongyan_env::Env;
use hongyan_telemetry as telemetry;
use hongyan_transport::{NodeId, ServiceId, Stream, StreamReceiver, StreamSender};
use tokio::sync::{Notify, mpsc};

use crate::hint_wire::{self, ENTRIES_MAX, Name, Notice, Order};
use crate::hints::Interest;
use crate::router::Kinds;
use crate::{Cluster, Hint, Hints, Located};

#[derive(Clone)]
pub(crate) struct Courier {
    pub env: Env,
    pub arbiters: Arbiters,
    pub cluster: Cluster,
    pub kinds: Arc<Kinds>,
    pub hints: Hints,
    /// Who waits for a change of ownership.
    pub moved: Arc<Notify>,
    pub received: telemetry::Counter,
}

/// Where the hints of an entity come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Nowhere,
    Here(Epoch),
    Node(NodeId),
}

/// Everything the courier keeps.
struct State {
    courier: Courier,
    wanted: BTreeMap<EntityId, Source>,
    /// What the task of each owner is told: an entity to subscribe to, or no more.
    ways: BTreeMap<NodeId, mpsc::UnboundedSender<Interest>>,
}

impl Courier {
    /// Works until the node stops.
    pub(crate) async fn run(self, mut interests: mpsc::UnboundedReceiver<Interest>) {
        let mut changed = self.cluster.placement.changed();
        let mut state = State {
            courier: self,
            wanted: BTreeMap::new(),
            ways: BTreeMap::new(),
        };
        loop {
            tokio::select! {
                biased;
                interest = interests.recv() => match interest {
                    Some((id, true)) => state.want(id),
                    Some((id, false)) => state.forget(&id),
                    None => return,
                },
                changed = changed.changed() => match changed {
                    Ok(()) => {
                        state.courier.moved.notify_waiters();
                        state.reattach();
                    }
                    Err(_) => return,
                },
            }
        }
    }
    fn source(&self, id: &EntityId) -> Source {
        let placement = &self.cluster.placement;
        match placement.locate(placement.partitions().of_hash(id.stable_hash())) {
            Located::Here { epoch } => Source::Here(epoch),
            Located::There(node) => Source::Node(node),
            Located::Unknown => Source::Nowhere,
        }
    }
}

impl State {
    fn want(&mut self, id: EntityId) {
        let source = self.courier.source(&id);
        self.attach(&id, source);
        self.wanted.insert(id, source);
    }
    fn forget(&mut self, id: &EntityId) {
        if let Some(Source::Node(node)) = self.wanted.remove(id) {
            self.tell(node, (id.clone(), false));
        }
    }
    fn reattach(&mut self) {
        let courier = self.courier.clone();
        courier.hints.confirm_others(|id| match courier.source(id) {
            Source::Here(epoch) => Some(epoch),
            Source::Nowhere | Source::Node(_) => None,
        });
        let mut moved = Vec::new();
        for (id, source) in &mut self.wanted {
            let now = courier.source(id);
            if now != *source {
                moved.push((id.clone(), std::mem::replace(source, now), now));
            }
        }
        for (id, before, now) in moved {
            if let Source::Node(node) = before {
                self.tell(node, (id.clone(), false));
            }
            self.attach(&id, now);
        }
    }
    fn attach(&mut self, id: &EntityId, source: Source) {
        match source {
            Source::Node(node) => self.tell(node, (id.clone(), true)),
            // From here on every hint arrives; what came before may have been missed.
            Source::Here(_) => self.courier.hints.nudge(id),
            Source::Nowhere => {}
        }
    }
    fn tell(&mut self, node: NodeId, interest: Interest) {
        let way = self.ways.entry(node).or_insert_with(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let way = Way {
                courier: self.courier.clone(),
                node,
                interests: receiver,
                wanted: BTreeSet::new(),
            };
            self.courier.arbiters.spawn_beside(way.run());
            sender
        });
        // The task lives as long as its sender.
        let _ = way.send(interest);
    }
}

/// The stream to one owner, while somebody here listens to something there.
struct Way {
    courier: Courier,
    node: NodeId,
    interests: mpsc::UnboundedReceiver<Interest>,
    wanted: BTreeSet<EntityId>,
}

impl Way {
    async fn run(mut self) {
        loop {
            while self.wanted.is_empty() {
                let Some(interest) = self.interests.recv().await else {
                    return;
                };
                self.note(interest);
            }
            let transport = Arc::clone(&self.courier.cluster.transport);
            if let Ok(stream) = transport.open(self.node, ServiceId::HINTS, Bytes::new()).await {
                self.follow(stream).await;
            }
            if !self.wanted.is_empty() {
                self.courier.env.sleep(self.courier.cluster.options.hints_pause).await;
            }
            while let Ok(interest) = self.interests.try_recv() {
                self.note(interest);
            }
        }
    }
    fn note(&mut self, (id, is_wanted): Interest) {
        if is_wanted {
            self.wanted.insert(id);
        } else {
            self.wanted.remove(&id);
        }
    }
    /// Follows one stream until it breaks or nothing is wanted any more.
    async fn follow(&mut self, stream: Stream) {
        let Stream { mut sender, receiver } = stream;
        let courier = self.courier.clone();
        tokio::select! {
            biased;
            () = listen(&courier, receiver) => {}
            () = self.order(&mut sender) => {}
        }
        sender.finish();
    }
    /// Orders what is wanted, and what changes about it.
    async fn order(&mut self, sender: &mut StreamSender) {
        let wanted: Vec<Order> = self.wanted.iter().map(|id| Order::Subscribe(Name::new(id))).collect();
        for orders in wanted.chunks(ENTRIES_MAX) {
            if sender.send(hint_wire::encode(orders)).await.is_err() {
                return;
            }
        }
        while !self.wanted.is_empty() {
            let mut batch = Vec::new();
            if self.interests.recv_many(&mut batch, ENTRIES_MAX).await == 0 {
                return;
            }
            let mut orders = Vec::new();
            for (id, is_wanted) in batch {
                let name = Name::new(&id);
                orders.push(if is_wanted {
                    Order::Subscribe(name)
                } else {
                    Order::Unsubscribe(name)
                });
                self.note((id, is_wanted));
            }
            if sender.send(hint_wire::encode(&orders)).await.is_err() {
                return;
            }
        }
    }
}

/// Hands on what the owner tells.
async fn listen(courier: &Courier, mut receiver: StreamReceiver) {
    let (kinds, hints) = (&courier.kinds, &courier.hints);
    while let Ok(Some(piece)) = receiver.recv().await {
        let Some(notices) = hint_wire::decode::<Notice>(&piece) else {
            return;
        };
        for notice in notices {
            match notice {
                Notice::Subscribed(name) => {
                    if let Some(id) = name.entity(kinds) {
                        hints.nudge(&id);
                    }
                }
                Notice::Hint {
                    name,
                    number,
                    commit_version,
                } => {
                    courier.received.inc();
                    if let Some(id) = name.entity(kinds) {
                        hints.publish_heard(&id, Hint { number, commit_version });
                    }
                }
            }
        }
    }
}
