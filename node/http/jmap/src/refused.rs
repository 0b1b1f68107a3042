//! Why one record of a `/set` was not changed.

use hongyan_blob::BlobError;
use hongyan_jmap::{SetError, SetErrorType};
use hongyan_router::AskError;

use crate::error::Failure;

/// What becomes of one record.
pub(crate) type Changed<T> = Result<T, Refused>;

/// Why not.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The client's fault, or the state of things.
    Set(Box<SetError>),
    /// Nobody can say now.
    Failed(Failure),
}

impl From<SetError> for Refused {
    fn from(error: SetError) -> Self {
        Self::Set(Box::new(error))
    }
}
impl From<SetErrorType> for Refused {
    fn from(kind: SetErrorType) -> Self {
        SetError::from(kind).into()
    }
}
impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
impl From<AskError> for Refused {
    fn from(error: AskError) -> Self {
        Self::Failed(error.into())
    }
}
impl From<BlobError> for Refused {
    fn from(error: BlobError) -> Self {
        Self::Failed(error.into())
    }
}
