//! Which node should own which partition, and which moves lead there. Pure: no clock, no randomness, no state.
//!
//! [`Rendezvous`] says where a partition belongs; [`plan`] compares that with where it is and answers with the moves to
//! make now: all of a dead node's at once, a few at a time when a node drains or has joined. The placement controller
//! of `cluster/membership` calls it, on the leader alone.

mod logarithm;
mod node;
mod partition;
mod plan;
mod rendezvous;

pub use hongyan_transport::NodeId;
pub use node::{Availability, Node, Preference};
pub use partition::{Partition, Partitions};
pub use plan::{Cause, Limits, Move, Slot, misplaced, plan};
pub use rendezvous::Rendezvous;
