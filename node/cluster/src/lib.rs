//! Joins the cluster, which knows nothing of storage, to the store and the entities of a node.
//!
//! [`Member`] is all of a node's part in its cluster. [`MetadataStore`] keeps Raft's part of this node in a store of its
//! own; [`StoreFence`] raises the fences of partitions in the data store; [`OwnedPlacement`] tells the router where
//! entities are; [`MemberControl`] is the operator's hand; [`StoreServer`] is what the settings say of the store's servers
//! beside the nodes, [`SecretKeys`] what they say of the keys that seal secrets. Decides nothing.

mod control;
mod fence;
mod member;
mod metadata_store;
mod placement;
mod secret_keys;
mod store_probe;
mod store_server;

pub use control::{Door, MemberControl, StoreBackups, StoreWatch};
pub use fence::StoreFence;
pub use member::{Member, MemberParts};
pub use metadata_store::MetadataStore;
pub use placement::OwnedPlacement;
pub use secret_keys::SecretKeys;
pub use store_server::{BackupWish, StoreMachine, StoreServer};
