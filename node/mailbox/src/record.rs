//! What a mailbox stores: one file a kind of record, and the keys of all.

pub(crate) mod act;
pub(crate) mod chunk;
pub(crate) mod delivery;
pub(crate) mod done;
pub(crate) mod email;
pub(crate) mod entry;
pub(crate) mod folder;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod meta;
pub(crate) mod purged;
pub(crate) mod removal;
pub(crate) mod thread;

pub(crate) use entry::{get_uids, put_uids};
