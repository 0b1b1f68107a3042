//! All folders with their counters: LIST, LSUB, STATUS.

use std::sync::Arc;

use hongyan_types::ModSeq;

use crate::{FolderInfo, FolderPath};

/// Lists all folders.
#[derive(Debug, Clone)]
pub struct ListFolders;

/// All folders.
#[derive(Debug, Clone)]
pub struct ListFoldersReply {
    /// By path, INBOX first.
    pub folders: Arc<Vec<FolderInfo>>,
    /// Paths subscribed to that name no folder (RFC 9051 §6.3.7).
    pub subscribed_missing: Vec<FolderPath>,
    /// The mailbox's modseq.
    pub modseq: ModSeq,
}
