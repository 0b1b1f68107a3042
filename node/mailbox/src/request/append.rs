//! Mails a client brings: APPEND, MULTIAPPEND (RFC 9051 §6.3.12, RFC 3502).

use hongyan_types::{Flag, Timestamp, Uid, UidValidity};

use crate::{EmailId, FolderId, FolderRef, NewMessage};

/// Puts messages into a folder, all or none.
#[derive(Clone)]
pub struct Append {
    /// Where to.
    pub folder: FolderRef,
    /// The messages.
    pub messages: Vec<AppendMessage>,
}

/// One of them.
#[derive(Clone)]
pub struct AppendMessage {
    /// The mail.
    pub message: NewMessage,
    /// Its flags.
    pub flags: Vec<Flag>,
    /// INTERNALDATE; now when absent.
    pub internal_date: Option<Timestamp>,
}

/// Appended.
#[derive(Debug, Clone)]
pub struct AppendReply {
    /// Where.
    pub folder: FolderId,
    /// UIDVALIDITY there (APPENDUID).
    pub uid_validity: UidValidity,
    /// UIDs in the order of the messages.
    pub uids: Vec<Uid>,
    /// Their ids.
    pub emails: Vec<EmailId>,
}
