//! What a queue refuses, and why.

/// Why a request had no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// No entry has this number.
    #[error("no such queue entry")]
    NoSuchEntry,
    /// Storage failed; whether the request had an effect is known only after asking again.
    #[error("queue storage failed")]
    Storage(#[source] hongyan_kv::Error),
    /// The message's bytes could not be kept.
    #[error("queue cannot keep the message")]
    Blob(#[source] hongyan_blob::BlobError),
}

impl From<hongyan_kv::Error> for QueueError {
    fn from(error: hongyan_kv::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<hongyan_kv::record::RecordError> for QueueError {
    fn from(error: hongyan_kv::record::RecordError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<hongyan_blob::BlobError> for QueueError {
    fn from(error: hongyan_blob::BlobError) -> Self {
        match error {
            hongyan_blob::BlobError::Storage(error) => Self::Storage(error),
            error => Self::Blob(error),
        }
    }
}

impl hongyan_kv::AsStorageError for QueueError {
    fn as_storage_error(&self) -> Option<&hongyan_kv::Error> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl QueueError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NoSuchEntry => false,
            Self::Storage(error) => error.is_temporary(),
            Self::Blob(error) => error.is_temporary(),
        }
    }
}
