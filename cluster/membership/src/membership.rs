//! The parts of membership, started and stopped together.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hongyan_env::Env;
use hongyan_metadata::{Change, Metadata, NodeState, Protocols, Refusal};
use hongyan_transport::Transport;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::controller::Controller;
use crate::metrics::Metrics;
use crate::service::{Listener, SERVICE};
use crate::{Fence, Host, MembershipOptions, Ownership, arrival, beat, controller, follow, hand_over};

/// What membership is made of.
pub struct MembershipParts {
    /// Time and chance.
    pub env: Env,
    /// The map.
    pub metadata: Metadata,
    /// The way to other nodes.
    pub transport: Arc<dyn Transport>,
    /// The fences in the data store.
    pub fence: Arc<dyn Fence>,
    /// The entities.
    pub host: Arc<dyn Host>,
    /// Whether this node can serve: it reaches the data store. While it does not and others do, they take over.
    pub able: watch::Receiver<bool>,
    /// How many partitions the cluster has.
    pub partitions: usize,
    /// Where other nodes reach this one.
    pub address: String,
    /// What it runs.
    pub release: String,
    /// What it speaks.
    pub protocols: Protocols,
    /// Times and bounds.
    pub options: MembershipOptions,
}

/// Clones are handles to the same membership.
#[derive(Clone)]
pub struct Membership(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: MembershipParts,
    pub(crate) ownership: Ownership,
    pub(crate) controller: Controller,
    pub(crate) metrics: Metrics,
    /// The version of the map that [`Ownership`] goes by.
    pub(crate) followed: AtomicU64,
    pub(crate) refusal: watch::Sender<Option<Refusal>>,
    /// Why it was not taken for the time being.
    pub(crate) waits_for: parking_lot::Mutex<Option<Refusal>>,
    pub(crate) hands: hand_over::Hands,
    /// Rung when the next heartbeat should not wait its turn.
    pub(crate) beat_now: tokio::sync::Notify,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

impl Membership {
    /// Takes part on the present runtime, which in production is that of the metadata: no busy entity delays it.
    #[must_use]
    pub fn start(parts: MembershipParts) -> Self {
        let ownership = Ownership::new(parts.env.clone(), parts.metadata.node(), parts.partitions);
        let (hands, released) = hand_over::Hands::new();
        let inner = Arc::new(Inner {
            controller: Controller::new(parts.env.clone(), parts.metadata.clone(), parts.options.clone()),
            ownership,
            metrics: Metrics::default(),
            followed: AtomicU64::new(0),
            refusal: watch::Sender::new(None),
            waits_for: parking_lot::Mutex::default(),
            hands,
            beat_now: tokio::sync::Notify::new(),
            tasks: parking_lot::Mutex::default(),
            parts,
        });
        let listener = Listener(Arc::downgrade(&inner));
        inner.parts.transport.serve(SERVICE, Arc::new(listener));
        let tasks = vec![
            hongyan_env::spawn(follow::run(Arc::clone(&inner))),
            hongyan_env::spawn(hand_over::end_moves(Arc::clone(&inner), released)),
            hongyan_env::spawn(beat::run(Arc::clone(&inner))),
            hongyan_env::spawn(arrival::run(Arc::clone(&inner))),
            hongyan_env::spawn(controller::confirm_beats(Arc::clone(&inner))),
            hongyan_env::spawn(controller::control(Arc::clone(&inner))),
        ];
        *inner.tasks.lock() = tasks;
        Self(inner)
    }
    /// Which partitions this node answers for.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        self.0.ownership.clone()
    }
    /// Set when the cluster refuses this node for good; it serves nothing any more.
    #[must_use]
    pub fn refusal(&self) -> watch::Receiver<Option<Refusal>> {
        self.0.refusal.subscribe()
    }
    /// Why the cluster did not take this node when it last said that it runs, if that may pass.
    #[must_use]
    pub fn waits_for(&self) -> Option<Refusal> {
        self.0.waits_for.lock().clone()
    }
    /// Stops answering for anything and tells the cluster so, which takes over what is left without waiting to miss this
    /// node; one that leads lets another lead first. Nothing is told when nobody else is there. Then call [`Self::stop`].
    pub async fn say_goodbye(&self, within: Duration) {
        let Inner { parts, ownership, .. } = &*self.0;
        ownership.end();
        let (node, map) = (parts.metadata.node(), parts.metadata.map());
        let mut others = map.nodes.iter().filter(|(id, _)| **id != node.0);
        if !others.any(|(_, record)| record.state == NodeState::Up) {
            return;
        }
        let told = async {
            if !parts.metadata.stand_down(within / 2).await {
                tracing::warn!("no other node leads the cluster before this one ends");
            }
            let gone = Change::Fail {
                node: node.0,
                incarnation: parts.metadata.incarnation(),
                assignments: Vec::new(),
            };
            parts.metadata.propose(gone, within).await
        };
        match parts.env.timeout(within, told).await {
            Some(Ok(_)) => tracing::info!("the other nodes know that this one ends"),
            Some(Err(error)) => tracing::warn!(%error, "the other nodes do not know that this one ends"),
            None => tracing::warn!("the other nodes do not know that this one ends: no answer in time"),
        }
    }
    /// Stops answering for anything, at once. Others take over when they miss this node.
    pub fn stop(&self) {
        self.0.ownership.end();
        for task in self.0.tasks.lock().drain(..) {
            task.abort();
        }
    }
    /// Tests and simulation call this at any time.
    ///
    /// # Panics
    /// When what this node serves contradicts the map it goes by.
    pub fn check(&self) {
        let map = self.0.parts.metadata.map();
        if map.version != self.0.followed.load(std::sync::atomic::Ordering::Acquire) {
            return;
        }
        for (index, slot) in map.partitions.iter().enumerate() {
            let Some(partition) = crate::Partition::at(index) else {
                break;
            };
            let serving = self.0.ownership.serving_epoch(partition);
            let ours = slot.owner == self.0.parts.metadata.node().0;
            assert!(
                serving == 0 || (ours && serving == slot.epoch),
                "partition {partition} is served without right"
            );
        }
    }
}
