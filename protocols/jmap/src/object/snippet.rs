//! SearchSnippet (RFC 8621 §5).

use serde::{Deserialize, Serialize};

use super::EmailCondition;
use crate::Id;
use crate::method::Filter;

/// Arguments of `SearchSnippet/get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchSnippetGet {
    /// Which account.
    pub account_id: Id,
    /// What was searched for.
    #[serde(default)]
    pub filter: Option<Filter<EmailCondition>>,
    /// In which emails to show it.
    pub email_ids: Vec<Id>,
}

/// What was found in an email, as HTML with `<mark>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchSnippet {
    /// The email.
    pub email_id: Id,
    /// Its subject, if something was found there.
    pub subject: Option<String>,
    /// A piece of its text, if something was found there.
    pub preview: Option<String>,
}
