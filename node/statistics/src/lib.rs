//! How much mail members send and get and how often they sign in (STAT-1 to STAT-3), by the day of their organisation's clock.
//!
//! Whoever sees something happen counts it in memory, which costs next to nothing; a node adds what it has counted to the store
//! every few seconds, so the days of all nodes are summed by the store itself. A node that dies takes its last seconds along.
//! Keys: key.rs. Called by delivery and sign-in through `node/server`; read by the admin API.

mod counts;
mod day;
mod key;
mod kind;
mod settings;
mod write;

pub use counts::{Counted, Counts, Total};
pub use day::{Day, DayError};
pub use kind::Kind;
pub use settings::{StatisticsOptions, StatisticsSettings};
