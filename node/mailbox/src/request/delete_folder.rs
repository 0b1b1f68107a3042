//! A folder and its messages go: DELETE (RFC 9051 §6.3.5).

use crate::FolderRef;

/// Deletes a folder without folders inside, with its messages.
#[derive(Debug, Clone)]
pub struct DeleteFolder {
    /// Which.
    pub folder: FolderRef,
}

/// Deleted.
#[derive(Debug, Clone)]
pub struct DeleteFolderReply;
