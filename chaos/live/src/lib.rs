//! Real processes under real faults: FoundationDB, nodes and HAProxy are started, then killed, paused, cut off, filled up,
//! drained and upgraded as a plan says, while clients deliver and read.
//!
//! What the clients asked and saw is a history in the words of `chaos/invariant`, judged by the same checkers as a
//! simulation. Everything that a run starts it ends, by process id; network namespaces and file systems that it makes carry its
//! name and go with it. What the machine lacks is named, not passed over.

mod audit;
mod client;
mod fault;
mod foundation;
mod haproxy;
mod machine;
mod namespaces;
mod node;
mod plan;
mod process;
mod programs;
mod record;
mod report;
mod run;
mod work;
mod world;

pub use client::{PASSWORD, take_any_certificate};
pub use node::DOMAIN;
pub use plan::{Clients, Door, Expect, Fault, Kind, Network, Plan, Select, Ways};
pub use programs::{Lack, Programs};
pub use report::{Report, Verdict};
pub use run::{Standing, hold, run};
