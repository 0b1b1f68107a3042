//! The state that all nodes agree upon. Changed by [`crate::Change`] alone.

use std::collections::BTreeMap;

use hongyan_placement::{Availability, Node, NodeId, Partition, Slot};
use serde::{Deserialize, Serialize};

/// Everything the cluster knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterMap {
    /// Random, from the founding; 0 before it. Nodes of another cluster are strangers.
    pub cluster: u64,
    /// How many changes made this map what it is.
    pub version: u64,
    /// One each partition, in order.
    pub partitions: Vec<Ownership>,
    /// By [`NodeId`].
    pub nodes: BTreeMap<u64, NodeRecord>,
    /// The id that the next node gets; none is given twice.
    pub next_node: u64,
    /// What the operator set for the whole cluster.
    pub settings: BTreeMap<String, String>,
    /// Join tokens that may still be used, by the hash of their secret.
    pub tokens: BTreeMap<[u8; 32], Token>,
    /// The cluster's certificate authority, as its owner wrote it; the nodes trust each other equally.
    pub authority: Vec<u8>,
}

/// Who owns a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ownership {
    /// The owner; 0 is nobody.
    pub owner: u64,
    /// How often it has changed owner: the fencing token. Before the first owner 0, or what the store knew.
    pub epoch: u64,
    /// The planned move under way.
    pub next: Option<HandOver>,
}

/// A planned move: the target warms up, then the owner releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// Who takes over.
    pub to: u64,
    /// Version of the map that began it; tells this attempt from an earlier one to the same node.
    pub begun: u64,
}

/// A node of the cluster, present or past.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeRecord {
    /// What people call it.
    pub name: String,
    /// Where other nodes reach it.
    pub address: String,
    /// The data centre it stands in.
    pub data_center: String,
    /// The rack it stands in.
    pub rack: String,
    /// Its share of the partitions in comparison with others'.
    pub weight: u32,
    /// What it does at the moment.
    pub state: NodeState,
    /// Which process speaks for it.
    pub incarnation: Incarnation,
    /// The release it runs.
    pub release: String,
    /// What it can speak.
    pub protocols: Protocols,
    /// Hash of the key it joined with, so that a repeated request to join gets the same id.
    pub key: [u8; 32],
    /// Serial numbers of its certificates; the last one counts.
    pub certificates: Vec<String>,
    /// Version of the map that last took partitions from it without its doing. It serves nothing before it knows.
    pub revoked: u64,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NodeState {
    /// Admitted, not seen yet.
    #[default]
    Joining,
    /// It serves.
    Up,
    /// It serves until its partitions have moved.
    Draining,
    /// Not heard of.
    Down,
    /// Gone for good; its id is never used again.
    Left,
}

/// One process that speaks for a node. The number grows by one with each start and is kept on the node's disk; the
/// nonce tells two copies of the same disk apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Incarnation {
    /// How often it was started.
    pub number: u64,
    /// Random.
    pub nonce: u64,
}

/// Versions of the words between nodes that a release speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Protocols {
    /// The oldest.
    pub oldest: u16,
    /// The newest.
    pub newest: u16,
}

impl Protocols {
    /// Whether both speak a common version.
    #[must_use]
    pub fn meet(self, other: Self) -> bool {
        self.oldest <= other.newest && other.oldest <= self.newest
    }
}

/// Permission to join, used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_millis: i64,
}

impl ClusterMap {
    /// Whether a cluster was founded.
    #[must_use]
    pub fn is_founded(&self) -> bool {
        self.cluster != 0
    }
    /// Who owns `partition`; an empty ownership beyond the last.
    #[must_use]
    pub fn ownership(&self, partition: Partition) -> Ownership {
        self.partitions.get(partition.index()).copied().unwrap_or_default()
    }
    /// The record of `node`.
    #[must_use]
    pub fn node(&self, node: NodeId) -> Option<&NodeRecord> {
        self.nodes.get(&node.0)
    }
    /// How many partitions `node` owns.
    #[must_use]
    pub fn owned_by(&self, node: NodeId) -> usize {
        self.partitions.iter().filter(|slot| slot.owner == node.0).count()
    }
    /// The nodes as placement sees them, in order of id.
    #[must_use]
    pub fn placement_nodes(&self) -> Vec<Node> {
        let node = |(id, record): (&u64, &NodeRecord)| Node {
            id: NodeId(*id),
            data_center: record.data_center.clone(),
            rack: record.rack.clone(),
            weight: record.weight,
            availability: record.state.availability(),
        };
        self.nodes.iter().map(node).collect()
    }
    /// The partitions as placement sees them.
    #[must_use]
    pub fn placement_slots(&self) -> Vec<Slot> {
        let slot = |ownership: &Ownership| Slot {
            owner: (ownership.owner != 0).then_some(NodeId(ownership.owner)),
            next: ownership.next.map(|next| NodeId(next.to)),
        };
        self.partitions.iter().map(slot).collect()
    }
    /// Tests and simulation call this after every change.
    ///
    /// # Panics
    /// When the map contradicts itself.
    pub fn check(&self) {
        assert!(
            self.is_founded() || self.partitions.is_empty(),
            "partitions without a cluster"
        );
        for (index, slot) in self.partitions.iter().enumerate() {
            assert!(
                slot.owner == 0 || slot.epoch != 0,
                "partition {index}: an owner has an epoch"
            );
            assert!(
                slot.owner == 0 || self.nodes.contains_key(&slot.owner),
                "partition {index}: unknown owner"
            );
            if let Some(next) = slot.next {
                assert!(
                    next.to != slot.owner && slot.owner != 0,
                    "partition {index}: moves to its owner"
                );
                assert!(
                    self.nodes.contains_key(&next.to),
                    "partition {index}: moves to a stranger"
                );
                assert!(next.begun <= self.version, "partition {index}: moves since the future");
            }
        }
        for (id, record) in &self.nodes {
            assert!(
                *id != 0 && *id < self.next_node,
                "node {id} has an id that was not given out"
            );
            assert!(record.revoked <= self.version, "node {id} was revoked in the future");
            let owns = self.partitions.iter().any(|slot| slot.owner == *id);
            assert!(
                record.state != NodeState::Left || !owns,
                "node {id} left and owns partitions"
            );
            assert!(
                record.state != NodeState::Joining || !owns,
                "node {id} owns partitions before it came"
            );
        }
    }
}

impl NodeState {
    /// Whether a node in this state may own partitions.
    #[must_use]
    pub fn availability(self) -> Availability {
        match self {
            Self::Up => Availability::Serving,
            Self::Draining => Availability::Draining,
            Self::Joining | Self::Down | Self::Left => Availability::Gone,
        }
    }
    /// Whether a process is believed to run.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(self, Self::Up | Self::Draining)
    }
}
