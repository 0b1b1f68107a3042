//! Which lives of nodes may still work on mail of the queue: as the cluster's map has it.

use std::collections::BTreeSet;
use std::sync::Arc;

use hongyan_actor::Arbiters;
use hongyan_cluster::Member;
use hongyan_env::Env;
use hongyan_membership::Ownership;
use hongyan_metadata::{ClusterMap, Metadata, NodeState};
use hongyan_queue::{Alone, Holder, Holders, QueueId};
use hongyan_router::Hints;

/// The nodes of a cluster.
struct Nodes {
    metadata: Metadata,
    ownership: Ownership,
}

impl Holders for Nodes {
    fn me(&self) -> Holder {
        Holder {
            node: self.metadata.node().0,
            life: self.metadata.incarnation().number,
        }
    }
    /// Since when nobody has taken it for dead. A lease is given only to who knows of the last time.
    fn standing(&self) -> Option<u64> {
        let map = self.metadata.map();
        let record = map.nodes.get(&self.metadata.node().0)?;
        self.ownership.has_lease().then_some(record.revoked)
    }
    fn is_alive(&self, holder: Holder) -> bool {
        let map = self.metadata.map();
        let record = map.nodes.get(&holder.node);
        record.is_some_and(|record| record.incarnation.number == holder.life && may_work(record.state))
    }
}

fn may_work(state: NodeState) -> bool {
    !matches!(state, NodeState::Down | NodeState::Left)
}

fn lives(map: &ClusterMap) -> BTreeSet<(u64, u64)> {
    let alive = map.nodes.iter().filter(|(_, record)| may_work(record.state));
    alive.map(|(node, record)| (*node, record.incarnation.number)).collect()
}

/// Who works on the queue.
pub(crate) fn holders(env: &Env, member: Option<&Member>) -> Arc<dyn Holders> {
    match member {
        Some(member) => Arc::new(Nodes {
            metadata: member.metadata().clone(),
            ownership: member.ownership(),
        }),
        None => Arc::new(Alone::new(env.random_u64())),
    }
}

/// Has the shards here look for what is due whenever a node has died: what was in its hands is.
pub(crate) fn wake_queues(arbiters: &Arbiters, env: &Env, hints: Hints, member: &Member) {
    let (env, mut maps) = (env.clone(), member.metadata().watch());
    arbiters.spawn(0, move || async move {
        let mut before = lives(&maps.borrow_and_update());
        while maps.changed().await.is_ok() {
            let now = lives(&maps.borrow_and_update());
            if !before.is_subset(&now) {
                QueueId::all().for_each(|queue| hints.publish(&queue, env.now_micros()));
            }
            before = now;
        }
    });
}
