//! Flags set, added, taken away: STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

use hongyan_types::{Flag, ModSeq, UidSet};

use crate::{FolderId, FolderView};

/// Changes the flags of messages.
#[derive(Debug, Clone)]
pub struct StoreFlags {
    /// In which folder.
    pub folder: FolderId,
    /// Which messages; those that are gone are passed over.
    pub uids: UidSet,
    /// What to do with `flags`.
    pub action: FlagAction,
    /// The flags.
    pub flags: Vec<Flag>,
    /// Only messages not changed after this (UNCHANGEDSINCE).
    pub unchanged_since: Option<ModSeq>,
}

/// What to do with the flags given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagAction {
    /// They are added.
    Add,
    /// They are taken away.
    Remove,
    /// They are the flags from now on.
    Set,
}

/// Stored.
#[derive(Debug, Clone)]
pub struct StoreFlagsReply {
    /// Messages changed since `unchanged_since` and left alone (MODIFIED).
    pub modified: UidSet,
    /// The folder after it.
    pub view: FolderView,
}
