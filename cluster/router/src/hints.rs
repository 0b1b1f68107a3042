//! Hints: the latest number an entity has published, for whoever subscribed.
//!
//! A hint says "there is something up to here"; what it is, the subscriber asks for. A late or lost hint loses nothing.
//! Subscribers are sessions of this node and, in a cluster, other nodes, one for all their sessions (`hint_service`).

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, OnceLock};

use hongyan_actor::{EntityId, EntityKey, Epoch};
use hongyan_env::Env;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

const SHARDS: u64 = 32;

/// Goes through a table in one order in every run; the keys are of our own making, so nobody can make them collide.
type Hashed = BuildHasherDefault<DefaultHasher>;

type Shard = Mutex<HashMap<EntityId, Topic, Hashed>>;

/// How far an entity has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hint {
    /// Its own number, which only grows; a mailbox's modseq.
    pub number: u64,
    /// The version of storage in which that is visible, where storage counts versions; else 0.
    pub commit_version: u64,
}

/// What one entity's subscribers see; `round` counts the times they were told to look without a number.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Latest {
    hint: Hint,
    round: u64,
}

#[derive(Default)]
struct Topic {
    /// Counted by its clones: one here, one for each subscription.
    local: Arc<Board>,
    others: Vec<Arc<Outbox>>,
    /// In which epoch of this node's ownership the other nodes were last told to look.
    epoch: Option<Epoch>,
}

/// Where the subscriptions of this node look. Unlike tokio's watch channel it wakes those who wait in the order in which
/// they came, so that two runs of a simulation agree.
#[derive(Default)]
struct Board {
    latest: Mutex<Latest>,
    changed: Notify,
}

impl Board {
    fn write(&self, write: impl FnOnce(&mut Latest) -> bool) {
        if write(&mut self.latest.lock()) {
            self.changed.notify_waiters();
        }
    }
}

impl Topic {
    fn subscription_count(&self) -> usize {
        Arc::strong_count(&self.local) - 1
    }
}

/// What waits to be told to another node: for each entity the latest hint, so it is never more than what that node
/// has subscribed to.
pub(crate) struct Outbox {
    env: Env,
    waiting: Mutex<BTreeMap<EntityId, Told>>,
    pub filled: Notify,
}

/// What another node is told of one entity.
#[derive(Default, Clone, Copy)]
pub(crate) struct Told {
    /// That it is subscribed now.
    pub is_subscribed: bool,
    pub hint: Option<Hint>,
    /// Since when it waits to be told.
    pub since_micros: u64,
}

impl Outbox {
    pub(crate) fn new(env: Env) -> Self {
        Self {
            env,
            waiting: Mutex::default(),
            filled: Notify::new(),
        }
    }
    fn put(&self, id: &EntityId, tell: impl FnOnce(&mut Told)) {
        let mut waiting = self.waiting.lock();
        tell(waiting.entry(id.clone()).or_insert_with(|| Told {
            since_micros: self.env.now_micros(),
            ..Told::default()
        }));
        drop(waiting);
        self.filled.notify_one();
    }
    /// Takes at most `count` of what waits.
    pub(crate) fn take(&self, count: usize) -> Vec<(EntityId, Told)> {
        let mut waiting = self.waiting.lock();
        let mut taken = Vec::new();
        while taken.len() < count {
            let Some(told) = waiting.pop_first() else { break };
            taken.push(told);
        }
        taken
    }
}

/// Somebody here listens to an entity from now on, or nobody does any more.
pub(crate) type Interest = (EntityId, bool);

/// Who listens to which entity. Clones share it.
#[derive(Clone)]
pub struct Hints(Arc<Inner>);

struct Inner {
    shards: Vec<Shard>,
    interests: OnceLock<mpsc::UnboundedSender<Interest>>,
    heard: OnceLock<Box<dyn Fn(Hint) + Send + Sync>>,
}

impl Default for Hints {
    fn default() -> Self {
        Self(Arc::new(Inner {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            interests: OnceLock::new(),
            heard: OnceLock::new(),
        }))
    }
}

impl Hints {
    /// Hints that tell which entities somebody here listens to.
    pub(crate) fn with_interests() -> (Self, mpsc::UnboundedReceiver<Interest>) {
        // As many wait as sessions came and went since the courier last looked.
        let (sender, receiver) = mpsc::unbounded_channel();
        let hints = Self::default();
        let _ = hints.0.interests.set(sender);
        (hints, receiver)
    }
    /// Listens to `key`. What was published before is not told.
    #[must_use]
    pub fn subscribe(&self, key: &impl EntityKey) -> Subscription {
        let id = key.entity_id();
        let mut shard = self.shard(&id).lock();
        let topic = shard.entry(id.clone()).or_default();
        let is_first = topic.subscription_count() == 0;
        let board = Arc::clone(&topic.local);
        let seen = *board.latest.lock();
        if is_first {
            self.tell_interest(&id, true);
        }
        drop(shard);
        Subscription {
            board,
            seen,
            id,
            hints: self.clone(),
        }
    }
    /// Tells the subscribers of `key` that it has come to `number`. Lower than before is not told.
    pub fn publish(&self, key: &impl EntityKey, number: u64) {
        self.publish_hint(
            key,
            Hint {
                number,
                commit_version: 0,
            },
        );
    }
    /// As [`Self::publish`], with the version of storage in which it is visible.
    pub fn publish_hint(&self, key: &impl EntityKey, hint: Hint) {
        let id = key.entity_id();
        self.publish_here(&id, hint);
        let shard = self.shard(&id).lock();
        for outbox in shard.get(&id).into_iter().flat_map(|topic| &topic.others) {
            outbox.put(&id, |told| told.hint = Some(hint.max(told.hint.unwrap_or_default())));
        }
    }
    /// Has `tell` hear each hint of another node before its subscribers do: who keeps storage can see to it that they read
    /// what they are told of. The first to ask for it gets it.
    pub fn when_heard(&self, tell: impl Fn(Hint) + Send + Sync + 'static) {
        let _ = self.0.heard.set(Box::new(tell));
    }
    /// Tells the subscribers on this node what another node has said.
    pub(crate) fn publish_heard(&self, id: &EntityId, hint: Hint) {
        if let Some(tell) = self.0.heard.get() {
            tell(hint);
        }
        self.publish_here(id, hint);
    }
    /// Tells the subscribers on this node.
    fn publish_here(&self, id: &EntityId, hint: Hint) {
        if let Some(topic) = self.shard(id).lock().get(id) {
            topic.local.write(|latest| {
                let newer = hint.number > latest.hint.number;
                latest.hint = hint.max(latest.hint);
                newer
            });
        }
    }
    /// Tells the subscribers on this node to look for themselves: hints may have been lost.
    pub(crate) fn nudge(&self, id: &EntityId) {
        if let Some(topic) = self.shard(id).lock().get(id) {
            topic.local.write(|latest| {
                latest.round += 1;
                true
            });
        }
    }
    /// Tells another node from now on.
    pub(crate) fn add_other(&self, id: &EntityId, outbox: &Arc<Outbox>) {
        let mut shard = self.shard(id).lock();
        let topic = shard.entry(id.clone()).or_default();
        if !topic.others.iter().any(|other| Arc::ptr_eq(other, outbox)) {
            topic.others.push(Arc::clone(outbox));
        }
        outbox.put(id, |told| told.is_subscribed = true);
    }
    /// Tells the other nodes to look where the epoch of this node's ownership is another than before: hints of owners in
    /// between have not reached them.
    pub(crate) fn confirm_others(&self, epoch_of: impl Fn(&EntityId) -> Option<Epoch>) {
        for shard in &self.0.shards {
            for (id, topic) in shard.lock().iter_mut().filter(|(_, topic)| !topic.others.is_empty()) {
                let epoch = epoch_of(id);
                if epoch.is_none() || topic.epoch == epoch {
                    continue;
                }
                topic.epoch = epoch;
                for outbox in &topic.others {
                    outbox.put(id, |told| told.is_subscribed = true);
                }
            }
        }
    }
    /// Tells another node no more.
    pub(crate) fn remove_other(&self, id: &EntityId, outbox: &Arc<Outbox>) {
        let mut shard = self.shard(id).lock();
        if let Some(topic) = shard.get_mut(id) {
            topic.others.retain(|other| !Arc::ptr_eq(other, outbox));
            if topic.others.is_empty() && topic.subscription_count() == 0 {
                shard.remove(id);
            }
        }
    }
    /// Entities with subscribers.
    #[must_use]
    pub fn subscribed_count(&self) -> usize {
        self.0.shards.iter().map(|shard| shard.lock().len()).sum()
    }
    fn tell_interest(&self, id: &EntityId, is_wanted: bool) {
        if let Some(interests) = self.0.interests.get() {
            // Its receiver is gone only when the node stops.
            let _ = interests.send((id.clone(), is_wanted));
        }
    }
    fn shard(&self, id: &EntityId) -> &Shard {
        &self.0.shards[usize::try_from(id.stable_hash() % SHARDS).unwrap_or(0)]
    }
}

impl Hint {
    fn max(self, other: Self) -> Self {
        if other.number > self.number { other } else { self }
    }
}

/// One subscriber's ear; dropping it ends the subscription.
pub struct Subscription {
    board: Arc<Board>,
    seen: Latest,
    id: EntityId,
    hints: Hints,
}

impl Subscription {
    /// Waits for a number published since the last call, or for a moment at which one may have been lost: then the number
    /// is the one known before.
    pub async fn changed(&mut self) -> u64 {
        let board = Arc::clone(&self.board);
        loop {
            let changed = board.changed.notified();
            tokio::pin!(changed);
            // Heard from now on, so that a change between the look and the wait is not missed.
            changed.as_mut().enable();
            if self.has_changed() {
                self.seen = *board.latest.lock();
                return self.seen.hint.number;
            }
            changed.await;
        }
    }
    /// The number last published, 0 if none was since this entity has subscribers.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.hint().number
    }
    /// As [`Self::latest`], with the version of storage in which it is visible.
    #[must_use]
    pub fn hint(&self) -> Hint {
        self.board.latest.lock().hint
    }
    /// Whether [`Self::changed`] would return at once.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        *self.board.latest.lock() != self.seen
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut shard = self.hints.shard(&self.id).lock();
        let Some(topic) = shard.get(&self.id) else { return };
        // Ours is still counted.
        if topic.subscription_count() <= 1 {
            self.hints.tell_interest(&self.id, false);
            if topic.others.is_empty() {
                shard.remove(&self.id);
            }
        }
    }
}
