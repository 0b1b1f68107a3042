//! How much mail members send and get and how often they sign in (STAT-1 to STAT-3), by the day of their organisation's clock;
//! and the log of all mail (STAT-5).
//!
//! Whoever sees something happen counts it in memory, which costs next to nothing; a node adds what it has counted to the store
//! every few seconds, so the days of all nodes are summed by the store itself. A node that dies takes its last seconds along.
//! Keys: key.rs. Called by delivery and sign-in through `node/server`; read by the admin API.

mod counts;
mod day;
mod key;
mod kind;
mod mail_entry;
mod mail_log;
mod settings;
mod write;

pub use counts::{Counted, Counts, Total};
pub use day::{Day, DayError, moment};
pub use kind::Kind;
pub use mail_entry::{MailEntry, MailKind, MailRecipient, MailState};
pub use mail_log::{MailFilter, MailOf, MailPage, MailPlace};
pub use settings::{StatisticsOptions, StatisticsSettings};
