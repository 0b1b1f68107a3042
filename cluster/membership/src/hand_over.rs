//! Planned moves, on the side of the owner: let the next one warm up, stop serving, let the entities go, then say so.
//!
//! Between 'stop serving' and the next owner's fence lie the entities' last commits, one agreement and one write: a few
//! milliseconds in which asks wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hongyan_metadata::{Change, ClusterMap, Hand, HandOver, Ownership as Slot, ProposeError};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::membership::Inner;
use crate::service::{Answer, Question, ask};
use crate::{NodeId, Partition};

/// How long the next owner may take to answer that it is warm, and the pause before it is asked again.
const WARM_WITHIN: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);
const SERVING_PAUSE: Duration = Duration::from_millis(10);
const PROPOSE_WITHIN: Duration = Duration::from_secs(2);
/// Moves that end in one change.
const HANDS_AT_ONCE: usize = 256;

/// The moves away from this node that are under way.
pub(crate) struct Hands {
    moves: Mutex<BTreeMap<Partition, Moving>>,
    released: mpsc::UnboundedSender<Partition>,
}

#[derive(Clone, Copy)]
struct Moving {
    epoch: u64,
    next: HandOver,
    /// When it stopped serving.
    released_micros: Option<u64>,
}

impl Hands {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Partition>) {
        let (released, receiver) = mpsc::unbounded_channel();
        let hands = Self {
            moves: Mutex::default(),
            released,
        };
        (hands, receiver)
    }
    /// Whether this node has stopped serving `partition` in this very attempt to move it.
    pub(crate) fn is_released(&self, partition: Partition, slot: &Slot) -> bool {
        let moves = self.moves.lock();
        let moving = moves.get(&partition);
        moving.is_some_and(|moving| {
            moving.released_micros.is_some() && moving.epoch == slot.epoch && slot.next == Some(moving.next)
        })
    }
}

/// Begins the moves that the map asks for, and forgets or takes back those that it does not ask for any more.
pub(crate) fn begin(inner: &Arc<Inner>, map: &ClusterMap) {
    let node = inner.parts.metadata.node().0;
    let mut resumed = Vec::new();
    {
        let mut moves = inner.hands.moves.lock();
        moves.retain(|partition, moving| {
            let slot = map.ownership(*partition);
            let same = slot.owner == node && slot.epoch == moving.epoch && slot.next == Some(moving.next);
            if !same {
                resumed.push((*partition, *moving, slot));
            }
            same
        });
    }
    for (partition, moving, slot) in resumed {
        end(inner, partition, moving, &slot);
    }
    for (index, slot) in map.partitions.iter().enumerate() {
        let (Some(partition), Some(next)) = (Partition::at(index), slot.next) else {
            continue;
        };
        if slot.owner != node {
            continue;
        }
        let moving = Moving {
            epoch: slot.epoch,
            next,
            released_micros: None,
        };
        let mut moves = inner.hands.moves.lock();
        if let std::collections::btree_map::Entry::Vacant(vacant) = moves.entry(partition) {
            vacant.insert(moving);
            hongyan_env::spawn(hand_over(Arc::clone(inner), partition, moving));
        }
    }
}

/// The map says what became of a move.
fn end(inner: &Inner, partition: Partition, moving: Moving, slot: &Slot) {
    let moved = slot.owner == moving.next.to && slot.epoch == moving.epoch + 1;
    let label = if moved { "moved" } else { "abandoned" };
    inner.metrics.hand_overs.with_label_values(&[label]).inc();
    let Some(released) = moving.released_micros else { return };
    if moved {
        let gap = inner.parts.env.now_micros().saturating_sub(released);
        inner
            .metrics
            .hand_over_gap
            .observe(Duration::from_micros(gap).as_secs_f64());
    } else if slot.owner == inner.parts.metadata.node().0 && slot.epoch == moving.epoch {
        // Given up: nobody else was told, so this owner goes on where it stopped.
        inner.ownership.set_owner(partition, slot.owner);
        inner.ownership.serve(partition, slot.epoch);
    }
}

async fn hand_over(inner: Arc<Inner>, partition: Partition, moving: Moving) {
    let to = NodeId(moving.next.to);
    let question = Question::Warm(partition.0);
    while !matches!(
        ask(inner.parts.transport.as_ref(), to, &question, WARM_WITHIN).await,
        Ok(Answer::Warm)
    ) {
        inner.parts.env.sleep(PAUSE).await;
        if !is_under_way(&inner, partition, &moving) {
            return;
        }
    }
    // Not before it serves: a fence on its way must not rise after the next owner's.
    while inner.ownership.serving_epoch(partition) != moving.epoch {
        if !is_under_way(&inner, partition, &moving) {
            return;
        }
        inner.parts.env.sleep(SERVING_PAUSE).await;
    }
    {
        let mut moves = inner.hands.moves.lock();
        let Some(present) = moves.get_mut(&partition).filter(|present| present.next == moving.next) else {
            return;
        };
        present.released_micros = Some(inner.parts.env.now_micros());
        inner.ownership.serve(partition, 0);
        inner.ownership.set_owner(partition, moving.next.to);
    }
    let release = inner.parts.host.release(partition);
    if inner
        .parts
        .env
        .timeout(inner.parts.options.release_within, release)
        .await
        .is_none()
    {
        // What is left cannot write once the next owner has raised the fence.
        tracing::warn!(%partition, "entities take too long to let go of their partition");
    }
    let _ = inner.hands.released.send(partition);
}

fn is_under_way(inner: &Inner, partition: Partition, moving: &Moving) -> bool {
    let moves = inner.hands.moves.lock();
    moves
        .get(&partition)
        .is_some_and(|present| present.next == moving.next && present.epoch == moving.epoch)
}

/// Tells the map of released partitions, all that wait together in one change.
pub(crate) async fn end_moves(inner: Arc<Inner>, mut released: mpsc::UnboundedReceiver<Partition>) {
    let mut waiting: Vec<Partition> = Vec::new();
    loop {
        if waiting.is_empty() && released.recv_many(&mut waiting, HANDS_AT_ONCE).await == 0 {
            return;
        }
        let hands: Vec<Hand> = {
            let moves = inner.hands.moves.lock();
            // Those that the map has decided meanwhile need nothing more.
            waiting.retain(|partition| {
                moves
                    .get(partition)
                    .is_some_and(|moving| moving.released_micros.is_some())
            });
            let hand = |partition: &Partition| {
                moves.get(partition).map(|moving| Hand {
                    partition: partition.0,
                    epoch: moving.epoch,
                    begun: moving.next.begun,
                })
            };
            waiting.iter().filter_map(hand).collect()
        };
        if hands.is_empty() {
            continue;
        }
        let mut watch = inner.parts.metadata.watch();
        match inner.parts.metadata.propose(Change::Move(hands), PROPOSE_WITHIN).await {
            // This node's own map shows it soon; what it does not show is proposed again.
            Ok(applied) => {
                let shown = watch.wait_for(|map| map.version >= applied.version);
                let _ = inner.parts.env.timeout(PAUSE, shown).await;
                tokio::task::yield_now().await;
            }
            Err(ProposeError::Refused(_) | ProposeError::NoLeader) => {
                let _ = inner.parts.env.timeout(PAUSE, watch.changed()).await;
            }
        }
    }
}
