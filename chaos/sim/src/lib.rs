//! Whole nodes in one thread, on virtual time, from one seed.
//!
//! The nodes are the product's own assembly over a store in memory, a network and clocks that exist only here; clients
//! speak SMTP, LMTP and IMAP to them. While they work, connections are cut, links blocked, stores made to fail, nodes
//! killed, paused and restarted. Then everything is healed, must come to rest, and is audited; what the clients saw
//! is judged by the checkers of `chaos/invariant`. The same seed gives the same run to the bit.

mod audit;
mod client;
mod cluster;
mod disk;
mod fault;
mod link;
mod log;
mod mutant;
mod node;
mod outside;
mod plan;
mod probe;
mod recorder;
mod rolling;
mod run;
mod trusting;
mod vigil;
mod workload;
mod world;

pub use mutant::Mutant;
pub use plan::{Faults, Plan};
pub use probe::Probe;
pub use run::{Report, run};
