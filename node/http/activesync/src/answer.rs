//! What is answered: a body, or a status of HTTP ([MS-ASHTTP] §2.2.2).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_activesync::command::refusal;
use hongyan_activesync::{Command, CommandError, Element, Status, wbxml};
use hongyan_blob::BlobError;
use hongyan_http_front::Problem;
use hongyan_mailbox::MailboxError;
use hongyan_router::AskError;

/// The type of bodies.
pub(crate) const WBXML: &str = "application/vnd.ms-sync.wbxml";

/// Why there is no answer to a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// A status that every command knows.
    #[error("status {0:?}")]
    Status(Status),
    /// The body is no request of the command.
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("HTTP {0}: {1}")]
    Http(StatusCode, &'static str),
    #[error("the mailbox refused: {0}")]
    Mailbox(#[from] MailboxError),
    #[error("the mailbox cannot be asked: {0}")]
    Ask(#[from] AskError),
    #[error("storage failed")]
    Storage(#[from] hongyan_kv::Error),
    #[error("the blob store failed")]
    Blob(#[from] BlobError),
    #[error("the directory failed")]
    Directory(#[from] hongyan_directory::Error),
}

pub(crate) type Found<T> = Result<T, Stop>;

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// A body.
pub(crate) fn body(element: &Element) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(WBXML))];
    (kind, wbxml::encode(element)).into_response()
}

/// Nothing to say: all is well ([MS-ASCMD] §2.2.1.21.2, an empty Sync response).
pub(crate) fn empty() -> Response {
    StatusCode::OK.into_response()
}

/// A status instead of an answer.
pub(crate) fn refused(command: Command, status: u16) -> Response {
    match refusal(command, status) {
        Some(element) => body(&element),
        None => problem(StatusCode::NOT_IMPLEMENTED, "the command is not served"),
    }
}

pub(crate) fn problem(status: StatusCode, text: &str) -> Response {
    Problem::new(status, "active-sync", text).into_response()
}

/// Asks to come back.
pub(crate) fn later() -> Response {
    Problem {
        retry_secs: Some(30),
        ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "it may work later")
    }
    .into_response()
}

/// What a device is told that gets no answer.
pub(crate) fn stopped(command: Command, stop: Stop) -> Response {
    match stop {
        Stop::Status(status) => refused(command, status.number()),
        Stop::Command(error) => refused(command, error.status),
        Stop::Http(status, text) => problem(status, text),
        Stop::Mailbox(MailboxError::OverQuota) => problem(StatusCode::INSUFFICIENT_STORAGE, "the mailbox is full"),
        Stop::Mailbox(error) if !error.is_temporary() => {
            tracing::warn!(event = "active_sync_refused", %error);
            refused(command, Status::ServerError.number())
        }
        stop => {
            tracing::warn!(event = "active_sync_failed", error = %stop, cause = ?std::error::Error::source(&stop));
            later()
        }
    }
}
