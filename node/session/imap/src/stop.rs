//! How a command ends when it does not end well.

use hongyan_blob::BlobError;
use hongyan_imap::{Code, Status};
use hongyan_mailbox::MailboxError;
use hongyan_router::AskError;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Answered with this.
    Refused(Status),
    /// The connection is of no use any more.
    Gone,
}

/// What a command's file returns: its tagged answer.
pub(crate) type Answer = Result<Status, Stop>;

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

impl From<std::io::Error> for Stop {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

impl From<AskError> for Stop {
    fn from(error: AskError) -> Self {
        Self::Refused(match error {
            AskError::Overloaded => Status::no_with(Code::Limit, "Too many requests, try again"),
            AskError::Unavailable | AskError::Deadline => {
                Status::no_with(Code::Unavailable, "Mailbox is not available now")
            }
        })
    }
}

impl From<MailboxError> for Stop {
    fn from(error: MailboxError) -> Self {
        let code = match &error {
            MailboxError::NoSuchFolder | MailboxError::NoSuchMessage => Code::NonExistent,
            MailboxError::FolderExists => Code::AlreadyExists,
            MailboxError::InvalidName(_) | MailboxError::SystemFolder => Code::Cannot,
            MailboxError::TooManyFolders | MailboxError::UidsExhausted => Code::Limit,
            MailboxError::HasChildren => Code::HasChildren,
            MailboxError::UseTaken => Code::UseAttr,
            MailboxError::OverQuota => Code::OverQuota,
            MailboxError::Locked => Code::InUse,
            MailboxError::NoPermission => Code::NoPerm,
            _ => Code::Unavailable,
        };
        Self::Refused(Status::no_with(code, capitalised(&error.to_string())))
    }
}

impl From<hongyan_kv::Error> for Stop {
    fn from(error: hongyan_kv::Error) -> Self {
        tracing::warn!(%error, "stored mail could not be read");
        Self::Refused(Status::no_with(Code::Unavailable, "Storage is not available now"))
    }
}

impl From<BlobError> for Stop {
    fn from(error: BlobError) -> Self {
        tracing::warn!(%error, "stored mail could not be read or written");
        Self::Refused(Status::no_with(Code::Unavailable, "Storage is not available now"))
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A missing target: the client may create it (RFC 9051 §6.3.12).
pub(crate) fn or_try_create(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(mut status) if status.code == Some(Code::NonExistent) => {
            status.code = Some(Code::TryCreate);
            Stop::Refused(status)
        }
        other => other,
    }
}
