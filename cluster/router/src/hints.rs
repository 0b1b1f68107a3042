//! Hints: the latest number an entity has published, for whoever subscribed.
//!
//! A hint says "there is something up to here"; what it is, the subscriber asks for. A late or lost hint loses nothing.

use std::collections::HashMap;
use std::sync::Arc;

use hongyan_actor::{EntityId, EntityKey};
use parking_lot::Mutex;
use tokio::sync::watch;

const SHARDS: u64 = 32;

type Shard = Mutex<HashMap<EntityId, watch::Sender<u64>>>;

/// Who listens to which entity. Clones share it.
#[derive(Clone)]
pub struct Hints(Arc<[Shard]>);

impl Default for Hints {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Shard::default()).collect())
    }
}

impl Hints {
    /// Listens to `key`. What was published before is not told.
    #[must_use]
    pub fn subscribe(&self, key: &impl EntityKey) -> Subscription {
        let id = key.entity_id();
        let latest = self.shard(&id).lock().entry(id.clone()).or_default().subscribe();
        Subscription {
            latest,
            id,
            hints: self.clone(),
        }
    }
    /// Tells the subscribers of `key` that it has come to `number`. Lower than before is not told.
    pub fn publish(&self, key: &impl EntityKey, number: u64) {
        let id = key.entity_id();
        if let Some(sender) = self.shard(&id).lock().get(&id) {
            sender.send_if_modified(|latest| {
                let newer = number > *latest;
                *latest = number.max(*latest);
                newer
            });
        }
    }
    /// Entities with subscribers.
    #[must_use]
    pub fn subscribed_count(&self) -> usize {
        self.0.iter().map(|shard| shard.lock().len()).sum()
    }
    fn shard(&self, id: &EntityId) -> &Shard {
        &self.0[usize::try_from(id.stable_hash() % SHARDS).unwrap_or(0)]
    }
}

/// One subscriber's ear; dropping it ends the subscription.
pub struct Subscription {
    latest: watch::Receiver<u64>,
    id: EntityId,
    hints: Hints,
}

impl Subscription {
    /// Waits for a number published since the last call.
    pub async fn changed(&mut self) -> u64 {
        if self.latest.changed().await.is_err() {
            // The sender leaves the table with its last subscriber only, and that is not us.
            std::future::pending::<()>().await;
        }
        *self.latest.borrow_and_update()
    }
    /// The number last published, 0 if none was since this entity has subscribers.
    #[must_use]
    pub fn latest(&self) -> u64 {
        *self.latest.borrow()
    }
    /// Whether [`Self::changed`] would return at once.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.latest.has_changed().unwrap_or(false)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut shard = self.hints.shard(&self.id).lock();
        // Ours is still counted.
        if shard.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            shard.remove(&self.id);
        }
    }
}
