//! `/changes` (RFC 8620 §5.2).

use serde::{Deserialize, Serialize};

use crate::Id;

/// Arguments.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Changes {
    /// Which account.
    pub account_id: Id,
    /// What the client has.
    pub since_state: String,
    /// Ids it wants at most; above 0.
    #[serde(default)]
    pub max_changes: Option<u64>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesReply<'a> {
    /// Which account.
    pub account_id: &'a Id,
    /// What the client had.
    pub old_state: String,
    /// What it has with these changes.
    pub new_state: String,
    /// Whether there are more after these.
    pub has_more_changes: bool,
    /// Records that are new.
    pub created: Vec<Id>,
    /// Records that are not as they were.
    pub updated: Vec<Id>,
    /// Records that are gone.
    pub destroyed: Vec<Id>,
    /// `Mailbox/changes`: which properties alone can have changed of those in `updated` (RFC 8621 §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_properties: Option<Option<&'static [&'static str]>>,
}
