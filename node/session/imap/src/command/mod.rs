//! What each command means: one file per command.

mod acl;
mod append;
mod authenticate;
mod close;
mod compress;
mod copy;
mod create;
mod delete;
mod enable;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod lsub;
mod move_messages;
mod namespace;
mod order;
mod quota;
mod read_ahead;
mod rename;
mod replace;
mod search;
mod section;
mod select;
mod sort;
mod start_tls;
mod status;
mod store;
mod subscribe;
mod thread;
mod unselect;

pub(crate) use append::Appending;
pub(crate) use authenticate::Exchange;
