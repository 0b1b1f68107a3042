//! Replies that users of a shared mailbox have begun: an extension of ours (`ops/docs/jmap.md`).

use serde::{Deserialize, Serialize};

use super::ShareEntity;
use crate::{Id, UtcDate};

/// Arguments of `BegunReply/get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BegunReplyGet {
    /// Which account.
    pub account_id: Id,
}

/// A reply under way.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BegunReply {
    /// The draft.
    pub id: Id,
    /// Its conversation.
    pub thread_id: Id,
    /// The message ids of what it answers.
    pub in_reply_to: Vec<String>,
    /// The emails of those that are in the account.
    pub email_ids: Vec<Id>,
    /// When the draft was saved last.
    pub since: UtcDate,
    /// Who has saved it.
    pub by: ShareEntity,
}
