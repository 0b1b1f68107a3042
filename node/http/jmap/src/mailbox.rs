//! Mailbox (RFC 8621 §2).

mod changes;
mod counts;
mod get;
mod query;
mod set;
mod share;

pub(crate) use changes::changes;
pub(crate) use get::get;
pub(crate) use query::{query, query_changes};
pub(crate) use set::set;
