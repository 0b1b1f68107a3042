//! What a mailbox stores: one file a kind of record, and the keys of all.

pub(crate) mod email;
pub(crate) mod key;
