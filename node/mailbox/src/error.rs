//! Why a mailbox says no.

use crate::FolderPathError;

/// What a request may be refused with. Nothing was changed, but for `Unavailable`, where it is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// No folder of that name, id or use.
    #[error("folder does not exist")]
    NoSuchFolder,
    /// The name is taken.
    #[error("folder exists already")]
    FolderExists,
    /// The name cannot be.
    #[error("{0}")]
    InvalidName(FolderPathError),
    /// [`crate::FOLDERS_MAX`] is reached (FLD-6).
    #[error("too many folders")]
    TooManyFolders,
    /// INBOX and the folders with a special use stay, and INBOX holds no folder that replaces it (FLD-1).
    #[error("this folder cannot be renamed or deleted")]
    SystemFolder,
    /// It has folders inside, which must go first (FLD-7).
    #[error("folder has folders inside")]
    HasChildren,
    /// Another folder has this special use already (RFC 6154 §3: USEATTR).
    #[error("another folder has this use")]
    UseTaken,
    /// No message of that UID.
    #[error("message does not exist")]
    NoSuchMessage,
    /// More octets or messages than the account may have.
    #[error("mailbox is full")]
    OverQuota,
    /// A message may have [`crate::MailboxOptions::keywords_of_message_max`] keywords, and many appended together fewer each.
    #[error("too many keywords")]
    TooManyKeywords,
    /// The folder has given away all its UIDs.
    #[error("folder has no UIDs left")]
    UidsExhausted,
    /// Another session has the maildrop (RFC 1939 §4).
    #[error("maildrop is in use")]
    Locked,
    /// Who asks may use single folders, and not for this.
    #[error("you may not do that in this folder")]
    NoPermission,
    /// Storage or the mailbox cannot answer now; ask again.
    #[error("mailbox is not available now")]
    Unavailable,
}

impl MailboxError {
    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable | Self::Locked)
    }
}

impl From<FolderPathError> for MailboxError {
    fn from(error: FolderPathError) -> Self {
        Self::InvalidName(error)
    }
}
