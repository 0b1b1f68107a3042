//! Identity (RFC 8621 §6): the account's addresses, each with its name and signature, and more of them if the person wants.

mod get;
mod record;
mod set;

pub(crate) use get::{changes, get, read_of, senders};
pub(crate) use record::{Senders, forget};
pub(crate) use set::set;
