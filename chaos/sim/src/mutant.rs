//! Planted bugs, which the checkers must find.
//!
//! They live between a node and its store, in this crate only, so that no binary can contain them: each makes the
//! product's own code behave as if it lacked one precaution, by hiding from it what the precaution reads.

use hongyan_kv::tuple::Tuple;
use hongyan_kv::{RangeQuery, ReadMode};
use serde::Deserialize;

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutant {
    /// Commits are acknowledged before they have happened.
    AcknowledgedBeforeCommit,
    /// A mailbox commits what its memory says is next, UIDs too, without asking the store whether somebody was there before.
    UidFromMemory,
    /// A blob is removed without asking again who keeps it.
    BlobRemovedWithoutRecheck,
    /// A mailbox that starts trusts its last checkpoint and does not read the log after it.
    LogNotRead,
    /// A node does not look whether somebody else owns its partitions by now; nor does it notice by the log that somebody else wrote,
    /// a second precaution that would hide the lack of the first.
    FenceNotRead,
    /// A node that heard of no change by a hint goes on with what it knows, without asking the mailbox.
    HintTrustedWithoutLog,
    /// A node that is told to stop does not finish what it has begun and says goodbye to nobody.
    StopsAtOnce,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AcknowledgedBeforeCommit,
        Self::UidFromMemory,
        Self::BlobRemovedWithoutRecheck,
        Self::LogNotRead,
        Self::FenceNotRead,
        Self::HintTrustedWithoutLog,
        Self::StopsAtOnce,
    ];

    /// What a read of `key` sees in a transaction that has written already, or not.
    pub(crate) fn get(self, key: &[u8], has_written: bool) -> Get {
        match self {
            // The one read of a log entry in a transaction that writes is the question who was there before.
            Self::UidFromMemory | Self::FenceNotRead if has_written && is_log(key) => Get::Nothing,
            Self::FenceNotRead if is_fence(key) => Get::OwnFence,
            _ => Get::Faithful,
        }
    }
    /// Whether a commit does not fail when somebody else writes `key`, although it says that it knows it.
    pub(crate) fn ignores(self, key: &[u8]) -> bool {
        match self {
            Self::UidFromMemory => is_log(key),
            Self::FenceNotRead => is_log(key) || is_fence(key),
            _ => false,
        }
    }
    /// Whether a range is seen as empty.
    pub(crate) fn hides(self, query: &RangeQuery) -> bool {
        match self {
            Self::BlobRemovedWithoutRecheck => {
                is_blob(&query.range.begin, "ref") && query.mode == ReadMode::Serializable
            }
            Self::LogNotRead => is_log(&query.range.begin),
            Self::AcknowledgedBeforeCommit
            | Self::UidFromMemory
            | Self::FenceNotRead
            | Self::HintTrustedWithoutLog
            | Self::StopsAtOnce => false,
        }
    }
}

/// What a hostile read gives.
pub(crate) enum Get {
    /// The truth.
    Faithful,
    /// Nothing, and no conflict with whoever writes there.
    Nothing,
    /// What this node itself has written there last, if it has, and no conflict with whoever writes there.
    OwnFence,
}

/// Whether a key is of a mailbox's log: ("mbx", tenant, account, 4, ..).
fn is_log(key: &[u8]) -> bool {
    let mut reader = match Tuple::new().string("mbx").reader(key) {
        Ok(reader) => reader,
        Err(_) => return false,
    };
    let numbers = (reader.int::<u64>(), reader.int::<u64>(), reader.int::<u8>());
    matches!(numbers, (Ok(_), Ok(_), Ok(4)))
}

/// Whether a key is of blobs: ("blob", kind, ..).
pub(crate) fn is_blob(key: &[u8], kind: &str) -> bool {
    key.starts_with(&Tuple::new().string("blob").string(kind).pack())
}

/// Whether a key is the fence of a partition: ("fence", partition).
pub(crate) fn is_fence(key: &[u8]) -> bool {
    key.starts_with(&Tuple::new().string("fence").pack())
}
