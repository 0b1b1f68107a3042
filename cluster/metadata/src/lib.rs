//! The cluster's map, agreed upon by Raft: which nodes there are, who owns which partition, the settings.
//!
//! [`ClusterMap`] is the state and [`Change`] what may happen to it, both pure; [`Metadata`] is a node's part in the
//! agreement. Every node holds the whole map; up to seven vote, the others learn. One entry per change of
//! ownership goes through here, never one per message, and nothing about mail.

mod change;
mod codec;
mod disk;
mod heard;
mod log;
mod machine;
mod map;
mod metadata;
mod network;
mod options;
mod reconcile;
mod runtime;
mod simulated;
mod store;
mod succession;
mod types;
mod voters;
mod witness;

pub use change::{Applied, Arrival, Assignment, Change, Founding, Hand, Refusal};
pub use hongyan_placement::{NodeId, Partition};
pub use map::{ClusterMap, HandOver, Incarnation, NodeRecord, NodeState, Ownership, Protocols, Token};
pub use metadata::{Leadership, Members, Metadata, ProposeError, StartError};
pub use network::SERVICE;
pub use options::MetadataOptions;
pub use simulated::MemoryDisk;
pub use store::LocalStore;
pub use voters::choose as choose_voters;
