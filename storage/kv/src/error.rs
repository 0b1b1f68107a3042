//! What a transaction can fail with; each kind tells the caller what to do next.

/// Result of a storage operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a storage operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another transaction wrote what this one read. Nothing was written; run it again.
    #[error("transaction conflicts with another")]
    Conflict,
    /// The transaction outlived [`crate::TRANSACTION_SECS_MAX`]. Nothing was written; run it again.
    #[error("transaction is too old")]
    TooOld,
    /// The commit may or may not have happened. Run again only what is safe to repeat.
    #[error("commit result is unknown")]
    CommitUnknown,
    /// A key, a value or the whole transaction is over a limit. Our mistake; running again will not help.
    #[error("{what} of {octets} octets exceeds the limit of {limit}")]
    TooLarge {
        /// Which limit.
        what: &'static str,
        /// Size asked for, in octets.
        octets: usize,
        /// Size allowed, in octets.
        limit: usize,
    },
    /// The disk is full or a write or sync failed; nothing was acknowledged. May succeed later.
    #[error("storage cannot write now: {0}")]
    Unavailable(String),
    /// The data on disk is not what was written.
    #[error("storage is corrupt: {0}")]
    Corrupt(String),
    /// Another owner has taken the partition over (see [`crate::fence`]). Nothing was written, and this owner never will
    /// again: it drops what it holds in memory.
    #[error("another owner has taken over")]
    Fenced,
    /// The store is shutting down.
    #[error("storage is closed")]
    Closed,
}

impl Error {
    /// Whether the same transaction, run again from its start, may succeed and has surely had no effect yet.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict | Self::TooOld)
    }
    /// Whether the fault passes by itself (answers 4xx / NO), as against one that will not (5xx).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::TooLarge { .. } | Self::Corrupt(_))
    }
}
