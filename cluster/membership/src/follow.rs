//! What this node serves follows from the map: at once when it loses a partition, after the fence when it gains one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hongyan_metadata::{ClusterMap, NodeState};

use crate::membership::Inner;
use crate::{FenceError, NodeId, Partition, hand_over};

/// Pause before a store that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(50);
/// Fences raised together.
const FENCES_AT_ONCE: usize = 256;

pub(crate) async fn run(inner: Arc<Inner>) {
    let mut watch = inner.parts.metadata.watch();
    // Epochs whose fence is being raised.
    let mut raising: BTreeMap<Partition, u64> = BTreeMap::new();
    loop {
        let map = Arc::clone(&watch.borrow_and_update());
        let alive = map.nodes.iter().filter(|(_, record)| record.state.is_alive());
        let alive: Vec<NodeId> = alive.map(|(node, _)| NodeId(*node)).collect();
        inner.parts.transport.know(&alive);
        let gained = follow(&inner, &map, &mut raising);
        inner.followed.store(map.version, Ordering::Release);
        for batch in gained.chunks(FENCES_AT_ONCE) {
            hongyan_env::spawn(take_over(Arc::clone(&inner), batch.to_vec()));
        }
        hand_over::begin(&inner, &map);
        let alive = map
            .node(inner.parts.metadata.node())
            .is_some_and(|record| record.state.is_alive());
        if alive && !inner.ownership.has_lease() {
            inner.beat_now.notify_one();
        }
        show(&inner, &map);
        if watch.changed().await.is_err() {
            return;
        }
    }
}

/// Gives up what is lost and says what is gained.
fn follow(inner: &Inner, map: &ClusterMap, raising: &mut BTreeMap<Partition, u64>) -> Vec<(Partition, u64)> {
    let node = inner.parts.metadata.node().0;
    let mut gained = Vec::new();
    for (index, slot) in map.partitions.iter().enumerate() {
        let Some(partition) = Partition::at(index) else { break };
        let ours = slot.owner == node;
        let serving = inner.ownership.serving_epoch(partition);
        if serving != 0 && !(ours && serving == slot.epoch) {
            inner.ownership.serve(partition, 0);
        }
        if !(ours && inner.hands.is_released(partition, slot)) {
            inner.ownership.set_owner(partition, slot.owner);
        }
        if !ours {
            raising.remove(&partition);
        } else if raising.get(&partition) != Some(&slot.epoch) {
            raising.insert(partition, slot.epoch);
            gained.push((partition, slot.epoch));
        }
    }
    gained
}

/// Raises fences until the store has answered for each, or the map has moved on.
async fn take_over(inner: Arc<Inner>, mut partitions: Vec<(Partition, u64)>) {
    let learnt = inner.parts.env.now_micros();
    let mut is_told = false;
    while !partitions.is_empty() {
        let results = inner.parts.fence.raise(partitions.clone()).await;
        let (mut again, mut failure) = (Vec::new(), None);
        let mut late = 0_usize;
        for ((partition, epoch), result) in partitions.iter().copied().zip(results) {
            match result {
                Ok(()) => begin_serving(&inner, partition, epoch, learnt),
                Err(FenceError::Later) => late += 1,
                Err(FenceError::Store(error)) => {
                    failure = Some(error);
                    again.push((partition, epoch));
                }
            }
        }
        if late > 0 {
            // As after a restart, until the map has come that the others know already.
            tracing::info!(partitions = late, "the store knows later owners than this node's map");
        }
        // Told once: how long it lasts is in the metrics, and at /readyz.
        if let Some(error) = failure.filter(|_| !std::mem::replace(&mut is_told, true)) {
            tracing::warn!(partitions = again.len(), %error, "fences are not raised yet: tried again until they are");
        }
        again.retain(|(partition, epoch)| is_still_ours(&inner, *partition, *epoch));
        partitions = again;
        if !partitions.is_empty() {
            inner.parts.env.sleep(RETRY).await;
        }
    }
    if is_told {
        tracing::info!("fences are raised, or others own what they were for");
    }
}

fn begin_serving(inner: &Inner, partition: Partition, epoch: u64, learnt: u64) {
    // Nothing can come between the look and the deed: the follower runs on this thread, or looks again after it.
    let map = inner.parts.metadata.map();
    let slot = map.ownership(partition);
    if slot.owner == inner.parts.metadata.node().0 && slot.epoch == epoch && !inner.hands.is_released(partition, &slot)
    {
        inner.ownership.serve(partition, epoch);
        inner.metrics.takeovers.inc();
        let took = Duration::from_micros(inner.parts.env.now_micros().saturating_sub(learnt));
        inner.metrics.takeover_seconds.observe(took.as_secs_f64());
    }
}

fn is_still_ours(inner: &Inner, partition: Partition, epoch: u64) -> bool {
    let slot = inner.parts.metadata.map().ownership(partition);
    slot.owner == inner.parts.metadata.node().0 && slot.epoch == epoch
}

fn show(inner: &Inner, map: &ClusterMap) {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let metrics = &inner.metrics;
    metrics.serving.set(number(inner.ownership.serving()));
    let epoch = map.partitions.iter().map(|slot| slot.epoch).max().unwrap_or(0);
    metrics.epoch_max.set(i64::try_from(epoch).unwrap_or(i64::MAX));
    let states = [
        ("joining", NodeState::Joining),
        ("up", NodeState::Up),
        ("draining", NodeState::Draining),
        ("down", NodeState::Down),
    ];
    for (label, state) in states {
        let count = map.nodes.values().filter(|record| record.state == state).count();
        metrics.nodes.with_label_values(&[label]).set(number(count));
    }
    let lives = |owner: u64| map.nodes.get(&owner).is_some_and(|record| record.state.is_alive());
    let unserved = map.partitions.iter().filter(|slot| !lives(slot.owner)).count();
    metrics.unserved.set(number(unserved));
    let moving = map.partitions.iter().filter(|slot| slot.next.is_some()).count();
    metrics.moving.set(number(moving));
}
