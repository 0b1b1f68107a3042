//! The node as a member of a cluster, in production.
//!
//! `found` and `join` make a node a member before it serves; what they leave is in `folder`. A member that serves has a
//! [`ClusterNode`]: everything between nodes on a thread of its own. `admission` takes new nodes in, `address_book`
//! follows the map, `refusal` ends a node that the cluster does not want, `foundationdb` looks after the server beside the
//! node. What a member decides is in `hongyan_cluster`.

mod address_book;
mod admission;
mod authority;
mod cluster_node;
mod command;
mod doors;
mod folder;
mod found;
#[cfg(feature = "foundationdb")]
mod foundationdb;
mod join;
mod place;
mod refusal;
mod words;

#[cfg(test)]
mod cluster_test;

use std::path::PathBuf;

use hongyan_config::Config;
use hongyan_metadata::Protocols;
use hongyan_transport::frame::VersionRange;

pub(crate) use cluster_node::{ClusterNode, Joined};
pub(crate) use command::{run_init, run_join};
pub(crate) use found::found;
#[cfg(feature = "foundationdb")]
pub(crate) use foundationdb::{Eye, Tended};
pub(crate) use join::join;
pub(crate) use refusal::Refused;

pub(crate) use folder::Storage;

/// What the others are told that this node runs.
pub(crate) const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// What it speaks.
pub(crate) fn protocols() -> Protocols {
    Protocols {
        oldest: VersionRange::OURS.min,
        newest: VersionRange::OURS.max,
    }
}

/// Where the FoundationDB server that a node looks after has its files.
pub(crate) fn kept_folder(config: &Config) -> PathBuf {
    crate::settings::data(config).join("foundationdb")
}
