//! Thread (RFC 8621 §3).

use serde::Serialize;

use crate::Id;

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// Its id.
    pub id: Id,
    /// Its emails, oldest first.
    pub email_ids: Vec<Id>,
}
