//! A new folder: CREATE (RFC 9051 §6.3.4, RFC 6154 §3).

use crate::{FolderInfo, FolderPath, SpecialUse};

/// Makes a folder, and those above it that are missing.
#[derive(Debug, Clone)]
pub struct CreateFolder {
    /// Its path.
    pub path: FolderPath,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
}

/// Made.
#[derive(Debug, Clone)]
pub struct CreateFolderReply {
    /// The new folder.
    pub folder: FolderInfo,
}
