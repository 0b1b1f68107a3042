//! What went since a client was last here: QRESYNC (RFC 7162 §3.2.5).

use hongyan_types::{ModSeq, UidSet};

use crate::FolderId;

/// Asks which messages were expunged after a modseq. What else changed is in the view, by modseq.
#[derive(Debug, Clone)]
pub struct Vanished {
    /// In which folder.
    pub folder: FolderId,
    /// After which modseq.
    pub since: ModSeq,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct VanishedReply {
    /// What went; `None` when the log no longer reaches so far back, and every UID not in the view must count as gone.
    pub uids: Option<UidSet>,
}
