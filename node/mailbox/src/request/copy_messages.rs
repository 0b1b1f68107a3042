//! The same mail in another folder too: COPY (RFC 9051 §6.4.7).

use hongyan_types::{Uid, UidSet, UidValidity};

use crate::{FolderId, FolderRef};

/// Copies messages.
#[derive(Debug, Clone)]
pub struct CopyMessages {
    /// Where they are.
    pub from: FolderId,
    /// Which; those that are gone are passed over.
    pub uids: UidSet,
    /// Where the copies go.
    pub to: FolderRef,
}

/// Copied, or moved.
#[derive(Debug, Clone)]
pub struct CopyMessagesReply {
    /// Where they went.
    pub to: FolderId,
    /// UIDVALIDITY there (COPYUID).
    pub uid_validity: UidValidity,
    /// The UID each had and the UID its copy has, ascending.
    pub uids: Vec<(Uid, Uid)>,
}
