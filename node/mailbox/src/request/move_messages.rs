//! Mail from one folder to another: MOVE (RFC 6851).

use hongyan_types::UidSet;

use crate::{CopyMessagesReply, FolderId, FolderRef, FolderView};

/// Moves messages.
#[derive(Debug, Clone)]
pub struct MoveMessages {
    /// Where they are.
    pub from: FolderId,
    /// Which; those that are gone are passed over.
    pub uids: UidSet,
    /// Where they go.
    pub to: FolderRef,
}

/// Moved.
#[derive(Debug, Clone)]
pub struct MoveMessagesReply {
    /// From which UIDs to which.
    pub moved: CopyMessagesReply,
    /// The folder they left, after it.
    pub view: FolderView,
}
