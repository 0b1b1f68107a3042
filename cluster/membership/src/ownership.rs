//! Which partitions this node answers for, at this moment: asked for every request and before every reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hongyan_env::Env;
use tokio::sync::watch;

use crate::{NodeId, Partition};

/// Where a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// Here, and nowhere else at this moment.
    Here {
        /// Since which epoch.
        epoch: u64,
    },
    /// On another node, as far as is known.
    Elsewhere(NodeId),
    /// On the way, or this node is cut off.
    Unknown,
}

/// Clones share it. Reading costs two atomic loads and the time.
#[derive(Clone)]
pub struct Ownership(Arc<Inner>);

struct Inner {
    env: Env,
    node: NodeId,
    /// By this node's clock; 0 before the first.
    lease_until_micros: AtomicU64,
    /// It answers for nothing any more, whatever is acknowledged still.
    is_over: AtomicBool,
    slots: Vec<Slot>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Slot {
    /// The epoch in which this node serves it; 0 when it does not.
    serving: AtomicU64,
    /// Who owns it, or is about to, as far as is known; 0 for nobody.
    owner: AtomicU64,
}

impl Ownership {
    pub(crate) fn new(env: Env, node: NodeId, partitions: usize) -> Self {
        Self(Arc::new(Inner {
            env,
            node,
            lease_until_micros: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            slots: (0..partitions).map(|_| Slot::default()).collect(),
            changes: watch::Sender::new(0),
        }))
    }
    /// Where `partition` is now. `Here` ends by itself with the lease.
    #[must_use]
    pub fn check(&self, partition: Partition) -> Owned {
        let Some(slot) = self.0.slots.get(partition.index()) else {
            return Owned::Unknown;
        };
        let epoch = slot.serving.load(Ordering::Acquire);
        if epoch != 0 && self.has_lease() {
            return Owned::Here { epoch };
        }
        match slot.owner.load(Ordering::Acquire) {
            0 => Owned::Unknown,
            owner if owner == self.0.node.0 => Owned::Unknown,
            owner => Owned::Elsewhere(NodeId(owner)),
        }
    }
    /// Whether the leader has confirmed lately that this node lives.
    #[must_use]
    pub fn has_lease(&self) -> bool {
        !self.0.is_over.load(Ordering::Acquire)
            && self.0.env.now_micros() < self.0.lease_until_micros.load(Ordering::Acquire)
    }
    /// A number that grows when an answer of [`Self::check`] may have changed, but for a lease that ends.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.0.slots.len()
    }
    /// How many this node serves, a lease provided.
    #[must_use]
    pub fn serving(&self) -> usize {
        self.0
            .slots
            .iter()
            .filter(|slot| slot.serving.load(Ordering::Acquire) != 0)
            .count()
    }

    pub(crate) fn extend_lease(&self, sent_micros: u64, lease: Duration) {
        let had = self.has_lease();
        let until = sent_micros.saturating_add(u64::try_from(lease.as_micros()).unwrap_or(u64::MAX));
        self.0.lease_until_micros.fetch_max(until, Ordering::AcqRel);
        if !had {
            self.bump();
        }
    }
    pub(crate) fn end_lease(&self) {
        self.0.lease_until_micros.store(0, Ordering::Release);
    }
    /// As [`Self::end_lease`], for good.
    pub(crate) fn end(&self) {
        self.0.is_over.store(true, Ordering::Release);
        self.bump();
    }
    pub(crate) fn set_owner(&self, partition: Partition, owner: u64) {
        if let Some(slot) = self.0.slots.get(partition.index())
            && slot.owner.swap(owner, Ordering::AcqRel) != owner
        {
            self.bump();
        }
    }
    /// Serves `partition` in `epoch`, or (0) no longer.
    pub(crate) fn serve(&self, partition: Partition, epoch: u64) {
        if let Some(slot) = self.0.slots.get(partition.index())
            && slot.serving.swap(epoch, Ordering::AcqRel) != epoch
        {
            self.bump();
        }
    }
    pub(crate) fn serving_epoch(&self, partition: Partition) -> u64 {
        self.0
            .slots
            .get(partition.index())
            .map_or(0, |slot| slot.serving.load(Ordering::Acquire))
    }
    fn bump(&self) {
        self.0.changes.send_modify(|number| *number += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_answers_while_its_lease_lasts() {
        let (env, clock) = Env::manual(1);
        let ownership = Ownership::new(env.clone(), NodeId(3), 4);
        let partition = Partition(2);
        let lease = Duration::from_millis(800);
        assert_eq!(ownership.check(partition), Owned::Unknown);
        ownership.set_owner(partition, 3);
        ownership.serve(partition, 7);
        assert_eq!(ownership.check(partition), Owned::Unknown, "without a lease");
        clock.advance(Duration::from_millis(100));
        ownership.extend_lease(0, lease);
        assert_eq!(ownership.check(partition), Owned::Here { epoch: 7 });
        clock.advance(Duration::from_millis(699));
        assert_eq!(ownership.check(partition), Owned::Here { epoch: 7 });
        clock.advance(Duration::from_millis(1));
        assert_eq!(
            ownership.check(partition),
            Owned::Unknown,
            "the lease counts from when the heartbeat was sent"
        );
        ownership.extend_lease(env.now_micros(), lease);
        ownership.serve(partition, 0);
        ownership.set_owner(partition, 5);
        assert_eq!(ownership.check(partition), Owned::Elsewhere(NodeId(5)));
        assert_eq!(ownership.check(Partition(9)), Owned::Unknown);
    }

    #[test]
    fn what_is_over_is_not_brought_back_by_an_acknowledgement_on_its_way() {
        let (env, _clock) = Env::manual(1);
        let ownership = Ownership::new(env, NodeId(3), 1);
        ownership.serve(Partition(0), 7);
        ownership.extend_lease(0, Duration::from_secs(1));
        assert_eq!(ownership.check(Partition(0)), Owned::Here { epoch: 7 });
        ownership.end();
        ownership.extend_lease(0, Duration::from_secs(2));
        assert_eq!(ownership.check(Partition(0)), Owned::Unknown);
    }

    #[test]
    fn an_old_acknowledgement_shortens_no_lease() {
        let (env, clock) = Env::manual(1);
        let ownership = Ownership::new(env, NodeId(3), 1);
        clock.advance(Duration::from_secs(1));
        ownership.extend_lease(1_000_000, Duration::from_millis(800));
        ownership.extend_lease(500_000, Duration::from_millis(800));
        clock.advance(Duration::from_millis(700));
        assert!(ownership.has_lease());
    }
}
