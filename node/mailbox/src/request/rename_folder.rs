//! Another path for a folder and all inside: RENAME (RFC 9051 §6.3.6).

use crate::FolderPath;

/// Renames a folder. INBOX stays, and its messages move to the new folder.
#[derive(Debug, Clone)]
pub struct RenameFolder {
    /// What it is called.
    pub from: FolderPath,
    /// What it shall be called.
    pub to: FolderPath,
}

/// Renamed.
#[derive(Debug, Clone)]
pub struct RenameFolderReply;
