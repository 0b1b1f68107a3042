//! Who lives and who owns what.
//!
//! A node shows the leader that it lives and gets a lease for it; it answers for a partition only while the map names
//! it as the owner, the fence is raised and its lease lasts ([`Ownership::check`]). The leader takes the partitions of
//! those who are silent, and moves others in order when a node drains or has joined. Two nodes never own a partition
//! at once as long as clocks run at about the same rate; and if they do not, the fence keeps the data right.

mod able;
mod arrival;
mod beat;
mod controller;
mod follow;
mod hand_over;
mod host;
mod membership;
mod metrics;
mod options;
mod ownership;
mod service;
pub mod settings;

pub use hongyan_metadata::{NodeId, Partition};
pub use host::{Fence, FenceError, Host};
pub use membership::{Membership, MembershipParts};
pub use options::MembershipOptions;
pub use ownership::{Owned, Ownership};
