//! One message for another: REPLACE (RFC 8508).

use hongyan_types::Uid;

use crate::{AppendMessage, AppendReply, FolderId, FolderRef};

/// Puts a message into a folder and expunges the one it replaces, in one commit.
#[derive(Clone)]
pub struct Replace {
    /// Where the old one is.
    pub folder: FolderId,
    /// The old one.
    pub uid: Uid,
    /// Where the new one goes.
    pub to: FolderRef,
    /// The new one.
    pub message: AppendMessage,
}

/// Replaced.
#[derive(Debug, Clone)]
pub struct ReplaceReply {
    /// Where the new one is.
    pub appended: AppendReply,
}
