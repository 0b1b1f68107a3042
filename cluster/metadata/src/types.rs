//! The types that openraft is filled with.

use std::io::Cursor;

use crate::{Applied, Change, Refusal};

/// What applying an entry gives: for entries of Raft's own, an empty success.
pub(crate) type Outcome = Result<Applied, Refusal>;

openraft::declare_raft_types!(
    /// Raft over changes of the map. Addresses are the transport's business, so its nodes are empty.
    pub(crate) Types:
        D = Change,
        R = Outcome,
        NodeId = u64,
        Node = (),
        Entry = openraft::Entry<Types>,
        SnapshotData = Cursor<Vec<u8>>,
        AsyncRuntime = crate::runtime::Runtime,
);

pub(crate) type Raft = openraft::Raft<Types>;
pub(crate) type Entry = openraft::Entry<Types>;
pub(crate) type LogId = openraft::LogId<u64>;
pub(crate) type Vote = openraft::Vote<u64>;
pub(crate) type Membership = openraft::StoredMembership<u64, ()>;
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<u64, ()>;
pub(crate) type StorageError = openraft::StorageError<u64>;
