//! A folder as it is now: SELECT, EXAMINE, and every later look at what changed.

use crate::{FolderInfo, FolderRef, FolderView};

/// Asks for a folder's messages. Cheap to repeat: only what changed since is new.
#[derive(Debug, Clone)]
pub struct OpenFolder {
    /// Which.
    pub folder: FolderRef,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct OpenFolderReply {
    /// Its properties.
    pub info: FolderInfo,
    /// Its messages.
    pub view: FolderView,
}
