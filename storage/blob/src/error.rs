//! What can go wrong with a blob.

/// Result of a blob operation.
pub type Result<T, E = BlobError> = std::result::Result<T, E>;

/// Why a blob operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// The store failed.
    #[error("blob storage failed")]
    Storage(#[source] hongyan_kv::Error),
    /// No blob of this tenant has this address.
    #[error("no such blob")]
    Missing,
    /// The upload took longer than it may and was collected; send it again.
    #[error("the upload has expired")]
    Expired,
    /// What is stored is not what was written.
    #[error("blob is corrupt: {0}")]
    Corrupt(&'static str),
}

impl From<hongyan_kv::Error> for BlobError {
    fn from(error: hongyan_kv::Error) -> Self {
        Self::Storage(error)
    }
}

impl From<hongyan_kv::record::RecordError> for BlobError {
    fn from(error: hongyan_kv::record::RecordError) -> Self {
        Self::Storage(error.into())
    }
}

impl hongyan_kv::AsStorageError for BlobError {
    fn as_storage_error(&self) -> Option<&hongyan_kv::Error> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl BlobError {
    /// Whether the same operation may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_temporary(),
            Self::Expired => true,
            Self::Missing | Self::Corrupt(_) => false,
        }
    }
}
