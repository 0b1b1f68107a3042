//! What the operator is told of the cluster. Sent as JSON: fields are added, never renamed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The cluster as the asked node sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    /// The cluster's id.
    pub cluster: String,
    /// The version of the map that all below was read from.
    pub version: u64,
    /// The node that was asked.
    pub this_node: u64,
    /// Who leads the agreement; nobody while one is being elected.
    pub leader: Option<u64>,
    /// How often a leader has been elected.
    pub term: u64,
    /// The nodes that vote.
    #[serde(default)]
    pub voters: VotersView,
    /// Partitions.
    pub partitions: PartitionsView,
    /// The data store, where the node knows more of it than that it answers.
    pub store: Option<StoreView>,
    /// All nodes that have not left, in order of id.
    pub nodes: Vec<NodeView>,
}

/// How many nodes agree for all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct VotersView {
    /// How many vote. A node that has just joined learns first.
    pub count: u64,
    /// How many of them the leader hears.
    pub up: u64,
    /// How many of these may be lost before nothing can be agreed any more; nothing where that is so already.
    pub losses_borne: Option<u64>,
}

/// How the partitions stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct PartitionsView {
    /// How many there are.
    pub count: usize,
    /// Those whose owner does not live.
    pub unserved: usize,
    /// Planned moves under way.
    pub moving: usize,
    /// Those that belong elsewhere and have not moved yet.
    pub misplaced: usize,
    /// `placement.rebalance`.
    pub rebalance: String,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// Its id.
    pub id: u64,
    /// What people call it.
    pub name: String,
    /// `joining`, `up`, `draining`, `down` or `left`.
    pub state: String,
    /// Its part in the agreement: `leader`, `voter` or `learner`; nothing before it has one.
    pub role: Option<String>,
    /// Partitions that it owns.
    pub partitions: usize,
    /// Partitions on their way to it.
    pub arriving: usize,
    /// Its share in comparison with others'.
    pub weight: u32,
    /// Where it stands.
    pub data_center: String,
    /// Where it stands in there.
    pub rack: String,
    /// Where other nodes reach it.
    pub address: String,
    /// What it runs.
    pub release: String,
    /// The oldest version of the words between nodes that it speaks.
    pub protocol_oldest: u16,
    /// The newest.
    pub protocol_newest: u16,
    /// Its server of the data store, where it looks after one: `serving`, `emptying`, `emptied` or `returning`.
    #[serde(default)]
    pub store_server: Option<String>,
}

/// The data store behind all nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// Which one.
    pub engine: String,
    /// Whether it serves transactions.
    pub available: bool,
    /// Whether all data has its copies.
    pub healthy: bool,
    /// How many copies there are, in the store's own word.
    pub redundancy: Option<String>,
    /// Whether the nodes look after it themselves.
    #[serde(default)]
    pub kept: bool,
    /// What its servers run.
    #[serde(default)]
    pub releases: Vec<String>,
    /// How many of its servers take part.
    #[serde(default)]
    pub servers: u64,
    /// How many coordinate.
    #[serde(default)]
    pub coordinators: u64,
    /// How many of these answer.
    #[serde(default)]
    pub coordinators_reachable: u64,
    /// How many machines may be lost now before data or service is.
    #[serde(default)]
    pub losses_borne: Option<u64>,
    /// Octets of what it holds, counted once.
    #[serde(default)]
    pub data_octets: Option<u64>,
    /// Octets on their way between its servers.
    #[serde(default)]
    pub moving_octets: u64,
    /// Room on the disk of the server that has least, in octets.
    #[serde(default)]
    pub free_octets: Option<u64>,
    /// What it says of itself, for people.
    pub messages: Vec<String>,
}

/// The data store's continuous backup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct BackupView {
    /// `none`, `starting`, `running`, `stopping`, or `ended`.
    pub state: String,
    /// Whether it can be restored from.
    pub restorable: bool,
    /// Where it goes.
    pub to: Option<String>,
    /// How far it is behind, in seconds.
    pub behind_secs: Option<u64>,
    /// What is wrong, for people.
    pub messages: Vec<String>,
}

/// Permission for one node to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// What the new node shows.
    pub token: String,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_millis: i64,
}

/// What to change of a node; what is not there stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeChange {
    /// Its share; 0 owns no partition.
    pub weight: Option<u32>,
    /// Where it stands.
    pub data_center: Option<String>,
    /// Where it stands in there.
    pub rack: Option<String>,
}

/// A setting of the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// Its name.
    pub key: String,
    /// What holds.
    pub value: String,
    /// What holds when nothing is set.
    pub default: String,
    /// Whether somebody set it.
    pub set: bool,
    /// What it does and which values it takes.
    pub about: String,
}
