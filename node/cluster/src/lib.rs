//! Joins the cluster, which knows nothing of storage, to the store and the entities of a node.
//!
//! [`MetadataStore`] keeps Raft's part of this node in a store of its own; [`StoreFence`] raises the fences of partitions in
//! the data store; [`OwnedPlacement`] tells the router where entities are. Holds no state and decides nothing.

mod fence;
mod metadata_store;
mod placement;

pub use fence::StoreFence;
pub use metadata_store::MetadataStore;
pub use placement::OwnedPlacement;
