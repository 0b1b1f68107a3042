//! Email (RFC 8621 §4).

mod body_values;
mod changes;
mod condition;
mod create;
mod get;
mod keywords;
mod query;
mod query_changes;
mod set;
mod sort;

pub(crate) use changes::changes;
pub(crate) use create::import;
pub(crate) use get::get;
pub(crate) use query::query;
pub(crate) use query_changes::query_changes;
pub(crate) use set::set;
pub(crate) use sort::SortKeys;
