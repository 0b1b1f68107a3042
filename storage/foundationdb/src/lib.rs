//! The store of clusters: FoundationDB.
//!
//! Owns the client library (found and loaded at run time, so that one binary runs with and without it), the network
//! thread it needs, and FoundationDB's transactions as a [`hongyan_kv::Backend`]. Keys lie under one prefix, a tuple
//! of one string, so that several systems may share a cluster and `fdbcli` shows whose key it is. Starting and
//! minding servers is not done here. `sys`, `network` and `handle` are the only places with `unsafe`, each use with
//! its reason; everything else is built on the safe values of `handle`.

mod ahead;
mod cluster_file;
mod error;
mod handle;
mod metric;
mod network;
mod options;
mod probe;
mod recent;
mod store;
mod sys;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transaction;

pub use cluster_file::{ClusterFile, ClusterFileError, Coordinator};
pub use error::OpenError;
pub use options::{CLUSTER_FILE_DEFAULT, Clock, FoundationOptions, KEY_PREFIX_OCTETS_MAX, KEY_SPACE_DEFAULT};
pub use probe::protocol_name;
pub use store::{FoundationStore, check_library};
