//! Keeps what a node remembers of directory and sign-in true, and joins its sign-in to that of the other nodes.

use std::sync::Arc;

use hongyan_access::Elsewhere;
use hongyan_actor::Arbiters;
use hongyan_cluster::Member;
use hongyan_metadata::NodeState;
use hongyan_transport::NodeId;
use tokio::task::JoinHandle;

use crate::assembly::Ground;

/// The followers of one node. Also a node that is alone has one: `init` may change the store beside it.
pub(crate) struct Following {
    changes: JoinHandle<()>,
    lists: JoinHandle<()>,
}

impl Following {
    pub(crate) fn start(ground: &Ground, arbiters: &Arbiters, cluster: Option<&Member>) -> Self {
        if let Some(member) = cluster {
            let metadata = member.metadata().clone();
            let nodes = move || {
                let map = metadata.map();
                // Who is not heard of may still have sessions.
                let there = map.nodes.iter().filter(|(_, node)| node.state != NodeState::Left);
                there.map(|(id, _)| NodeId(*id)).collect()
            };
            ground
                .access
                .join(Elsewhere::new(Arc::clone(member.transport()), nodes));
        }
        Self {
            changes: arbiters.spawn_beside(ground.access.clone().follow()),
            lists: arbiters.spawn_beside(ground.directory.clone().keep_index()),
        }
    }
    pub(crate) fn stop(&self) {
        self.changes.abort();
        self.lists.abort();
    }
}
