//! What callers see of a folder without opening it, and how they name one.

use std::sync::Arc;

use hongyan_types::{ModSeq, UidValidity};

use crate::{FolderId, FolderPath, SpecialUse};

/// A folder's properties and counters: LIST and STATUS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderInfo {
    /// Its id (MAILBOXID).
    pub id: FolderId,
    /// Its path from the outermost level.
    pub path: Arc<FolderPath>,
    /// Its special use.
    pub special_use: Option<SpecialUse>,
    /// Whether its path is subscribed to.
    pub subscribed: bool,
    /// Whether there are folders inside.
    pub has_children: bool,
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// UIDNEXT.
    pub uid_next: u32,
    /// HIGHESTMODSEQ.
    pub highest_modseq: ModSeq,
    /// Messages.
    pub messages: u64,
    /// Messages without `\Seen`.
    pub unseen: u64,
    /// Messages with `\Deleted`.
    pub deleted: u64,
    /// Octets of all messages.
    pub octets: u64,
}

/// How a request names a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderRef {
    /// By id: the way for a session that has it open.
    Id(FolderId),
    /// By path.
    Path(FolderPath),
    /// By use.
    Use(SpecialUse),
}

impl FolderRef {
    /// INBOX.
    pub const INBOX: Self = Self::Id(FolderId::INBOX);
}

impl From<FolderId> for FolderRef {
    fn from(id: FolderId) -> Self {
        Self::Id(id)
    }
}
impl From<FolderPath> for FolderRef {
    fn from(path: FolderPath) -> Self {
        Self::Path(path)
    }
}
impl From<SpecialUse> for FolderRef {
    fn from(kind: SpecialUse) -> Self {
        Self::Use(kind)
    }
}
