//! Why a method fails for reasons of this server.

use axum::http::StatusCode;
use hongyan_blob::BlobError;
use hongyan_http_front::Problem;
use hongyan_jmap::{MethodError, MethodErrorType};
use hongyan_mailbox::MailboxError;
use hongyan_router::AskError;

/// A method's failure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Method(#[from] MethodError),
    #[error("the mailbox refused: {0}")]
    Mailbox(#[from] MailboxError),
    #[error("the mailbox cannot be asked: {0}")]
    Ask(#[from] AskError),
    #[error("storage failed")]
    Storage(#[from] hongyan_kv::Error),
    #[error("the blob store failed")]
    Blob(#[from] BlobError),
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<MethodErrorType> for Failure {
    fn from(kind: MethodErrorType) -> Self {
        Self::Method(kind.into())
    }
}

impl From<hongyan_jmap::method::WindowError> for Failure {
    fn from(error: hongyan_jmap::method::WindowError) -> Self {
        Self::Method(error.into())
    }
}

impl Failure {
    /// What the client is told.
    pub(crate) fn told(self) -> MethodError {
        let unavailable = || MethodError::new(MethodErrorType::ServerUnavailable);
        match self {
            Self::Method(error) => error,
            Self::Ask(_) => unavailable(),
            Self::Mailbox(error) if error.is_temporary() => unavailable(),
            Self::Mailbox(error) => MethodError::with(MethodErrorType::ServerFail, error.to_string()),
            Self::Storage(error) if error.is_temporary() => unavailable(),
            Self::Blob(error) if error.is_temporary() => unavailable(),
            other => {
                tracing::error!(error = %other, cause = ?std::error::Error::source(&other), "a JMAP method failed");
                MethodError::new(MethodErrorType::ServerFail)
            }
        }
    }
}

/// What a client may know of a failure that is not a method's.
pub(crate) fn failed(error: impl Into<Failure>) -> Problem {
    let error = error.into().told();
    let words = error.description.unwrap_or_else(|| "it may work later".into());
    Problem {
        retry_secs: Some(5),
        ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", words)
    }
}
