//! `/queryChanges` (RFC 8620 §5.6).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Comparator, Filter};
use crate::{Id, MethodError, MethodErrorType};

/// The arguments of kinds of records that add none of their own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "C: DeserializeOwned")]
pub struct QueryChanges<C> {
    /// Which account.
    pub account_id: Id,
    /// Which records.
    #[serde(default)]
    pub filter: Option<Filter<C>>,
    /// In which order.
    #[serde(default)]
    pub sort: Option<Vec<Comparator>>,
    /// What the client has.
    pub since_query_state: String,
    /// Changes it wants at most.
    #[serde(default)]
    pub max_changes: Option<u64>,
    /// What lies behind this does not matter.
    #[serde(default)]
    pub up_to_id: Option<Id>,
    /// Whether to count.
    #[serde(default)]
    pub calculate_total: bool,
}

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

impl QueryChangesReply<'_> {
    /// Refuses more changes than the client wants.
    ///
    /// # Errors
    /// `tooManyChanges`.
    pub fn check(&self, max_changes: Option<u64>) -> Result<(), MethodError> {
        let count = u64::try_from(self.removed.len().saturating_add(self.added.len())).unwrap_or(u64::MAX);
        match max_changes {
            Some(max) if count > max => Err(MethodErrorType::TooManyChanges.into()),
            _ => Ok(()),
        }
    }
}
