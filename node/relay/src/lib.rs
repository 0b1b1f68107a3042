//! Outbound delivery: takes what is due from the queue, finds the next host, speaks to it, says what became of it.
//!
//! Owns routes (MX, relay host), connections and their reuse, bounds per destination. Refuses to decide about retries
//! and reports: that is the queue's.

mod connection;
mod destination;
mod envelope;
mod metrics;
mod route;
mod runner;
mod settings;
mod tls;
mod transfer;

pub use runner::{RelayServices, Runner};
pub use settings::{RelayHost, RelaySettings, RelayTls};
