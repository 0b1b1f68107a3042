//! A mail that arrives: once, whatever is repeated.

use hongyan_types::{Flag, Timestamp, Uid, UidValidity};

use crate::{DeliveryId, EmailId, FolderId, FolderRef, NewMessage};

/// Delivers one mail.
#[derive(Clone)]
pub struct Deliver {
    /// The mail.
    pub message: NewMessage,
    /// Into which folder; INBOX when it does not exist.
    pub folder: FolderRef,
    /// Flags it has from the start.
    pub flags: Vec<Flag>,
    /// INTERNALDATE; now when absent.
    pub internal_date: Option<Timestamp>,
    /// Under which a repeat is recognised, for [`crate::DELIVERY_ID_KEPT`].
    pub delivery_id: Option<DeliveryId>,
    /// Whether it is delivered even into a full mailbox (reports, system notices).
    pub ignore_quota: bool,
}

/// Delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverReply {
    /// Where it is.
    pub folder: FolderId,
    /// UIDVALIDITY there.
    pub uid_validity: UidValidity,
    /// Its UID there when it was delivered.
    pub uid: Uid,
    /// Its id.
    pub email: EmailId,
    /// Whether it had been delivered before, so that this request changed nothing.
    pub is_repeat: bool,
}
