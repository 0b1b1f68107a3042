//! Messages go for good: EXPUNGE, UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9), POP3 QUIT.

use hongyan_types::{ModSeq, UidSet};

use crate::{FolderId, FolderView};

/// Expunges messages.
#[derive(Debug, Clone)]
pub struct Expunge {
    /// In which folder.
    pub folder: FolderId,
    /// Which; all when absent.
    pub uids: Option<UidSet>,
    /// Only those with `\Deleted`.
    pub deleted_only: bool,
}

/// Expunged.
#[derive(Debug, Clone)]
pub struct ExpungeReply {
    /// What went.
    pub expunged: UidSet,
    /// The mailbox's modseq after it.
    pub modseq: ModSeq,
    /// The folder after it.
    pub view: FolderView,
}
