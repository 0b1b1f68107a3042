//! `/queryChanges` (RFC 8620 §5.6).

use serde::Serialize;

use crate::Id;

/// A record that is in the results now, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddedItem {
    /// The record.
    pub id: Id,
    /// Its index in the new results.
    pub index: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryChangesReply<'a> {
    /// Which account.
    pub account_id: &'a Id,
    /// What the client had.
    pub old_query_state: String,
    /// What it has with these changes.
    pub new_query_state: String,
    /// How many results there are, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// What is to be taken out first, whether or not it was there.
    pub removed: Vec<Id>,
    /// What is to be put in then, by index.
    pub added: Vec<AddedItem>,
}
