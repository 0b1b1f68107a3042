//! Where the others are and whom to speak to: what the map says, from its first version on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use hongyan_cluster::Member;
use hongyan_identity::{Register, Standing};
use hongyan_metadata::{ClusterMap, NodeRecord, NodeState};
use hongyan_transport::{NodeId, TcpTransport};
use tokio::sync::watch;

use super::folder::Contact;

/// Whom to speak to: those whose certificates are good, and of each node the life that lives.
pub(crate) struct Admitted {
    pub(crate) register: Arc<Register>,
    pub(crate) member: Member,
}

impl hongyan_transport::Admission for Admitted {
    fn admit(&self, node: NodeId, certificate: &[u8]) -> Result<(), String> {
        hongyan_transport::Admission::admit(&*self.register, node, certificate)
    }
    /// While the leader confirms that this node lives, its map is right about the others within a second or two: one whose
    /// process has ended is `Down` then. Without a leader nobody can say, and whoever comes is spoken to.
    fn admit_life(&self, node: NodeId, incarnation: u64) -> Result<(), String> {
        let map = self.member.metadata().map();
        let lives = |record: &&NodeRecord| record.state.is_alive() && record.incarnation.number < incarnation;
        match map.node(node).filter(lives) {
            Some(_) if self.member.ownership().has_lease() => Err(format!(
                "node {node} is believed to run: if it was restarted, this passes; if not, its identity or its data folder was \
                 copied, and two processes use it"
            )),
            _ => Ok(()),
        }
    }
}

/// Tells the transport of the members that this one was told of when it joined.
pub(crate) fn take_contacts(transport: &TcpTransport, contacts: &[Contact]) {
    for contact in contacts {
        set(transport, NodeId(contact.node), &contact.address);
    }
}

/// Follows the map, for ever.
pub(crate) async fn follow(
    transport: Arc<TcpTransport>,
    register: Arc<Register>,
    mut map: watch::Receiver<Arc<ClusterMap>>,
) {
    loop {
        let now = Arc::clone(&map.borrow_and_update());
        apply(&transport, &register, &now);
        if map.changed().await.is_err() {
            return;
        }
    }
}

fn apply(transport: &TcpTransport, register: &Register, map: &ClusterMap) {
    use hongyan_transport::Transport;
    if !map.is_founded() {
        return;
    }
    register.set(standings(map));
    for (id, record) in &map.nodes {
        let node = NodeId(*id);
        if node == transport.node() {
            continue;
        }
        match record.state {
            NodeState::Left => transport.forget(node),
            _ => set(transport, node, &record.address),
        }
    }
}

/// Whose certificates are good.
fn standings(map: &ClusterMap) -> BTreeMap<NodeId, Standing> {
    let standing = |(id, record): (&u64, &NodeRecord)| {
        let standing = match record.state {
            NodeState::Left => Standing::Left,
            _ => Standing::Member(record.certificates.iter().cloned().collect()),
        };
        (NodeId(*id), standing)
    };
    map.nodes.iter().map(standing).collect()
}

fn set(transport: &TcpTransport, node: NodeId, address: &str) {
    match address.parse::<SocketAddr>() {
        Ok(address) => transport.set_address(node, address),
        Err(_) => tracing::warn!(%node, address, "a node's address is none"),
    }
}
