//! Email (RFC 8621 §4).

mod body_values;
mod changes;
mod clean_up;
mod condition;
mod copy;
mod create;
mod digest_page;
mod digests;
mod get;
mod keywords;
mod parse;
mod query;
mod query_changes;
mod set;
mod snippet;
mod sort;
mod stored_digests;

pub(crate) use body_values::value;
pub(crate) use changes::changes;
pub(crate) use clean_up::clean_up;
pub(crate) use copy::copy;
pub(crate) use create::import;
pub(crate) use digests::Digests;
pub(crate) use get::get;
pub(crate) use parse::{Held, is_mail, parse, read};
pub(crate) use query::query;
pub(crate) use query_changes::query_changes;
pub use stored_digests::begin_sum;

pub(crate) use set::{change, set, set_as, unchanged};
pub(crate) use snippet::snippets;
