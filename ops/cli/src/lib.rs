//! The command line over the admin API: `hongyan organisation|domain|member|department|tag|role|audit|alias|group|session|queue|cluster ...`.
//!
//! One file a command. Speaks HTTP over the node's Unix socket, so it works while the server runs and only for whoever
//! may open the socket. Knows the API's JSON and nothing else of the server.

mod client;
mod command;
mod output;

pub use command::cluster::{Cluster, run as run_cluster};
pub use command::{Command, run};
