//! One message in one folder.

use hongyan_types::{ModSeq, Octets, SystemFlags, Timestamp, Uid};

use crate::{EmailId, KeywordSet, ThreadId};

/// One message in one folder: what FETCH, SEARCH and SORT need most often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageEntry {
    /// Its UID.
    pub uid: Uid,
    /// The mail, which may be in other folders too.
    pub email: EmailId,
    /// Its conversation.
    pub thread: ThreadId,
    /// The mailbox's modseq at this entry's last change.
    pub modseq: ModSeq,
    /// Its system flags.
    pub flags: SystemFlags,
    /// Its keywords, by number: [`crate::FolderView::keywords`] has the names.
    pub keywords: KeywordSet,
    /// RFC822.SIZE.
    pub octets: Octets,
    /// INTERNALDATE.
    pub internal_date: Timestamp,
    /// SAVEDATE (RFC 8514): when it came into this folder.
    pub save_date: Timestamp,
}
