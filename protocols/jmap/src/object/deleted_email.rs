//! Mails that were deleted for good and can be had back for a while: an extension of ours (`ops/docs/jmap.md`).

use std::collections::BTreeMap;

use hongyan_message::{Structure, words};
use serde::{Deserialize, Serialize};

use super::header::{EmailAddress, addresses};
use crate::{Id, IdOrCreation, UtcDate};

/// Arguments of `DeletedEmail/get`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeletedEmailGet {
    /// Which account.
    pub account_id: Id,
    /// Only those deleted before this one; the latest when absent.
    #[serde(default)]
    pub before: Option<Id>,
    /// At most so many.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A mail that can be had back.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedEmail {
    /// Its id as a deleted one.
    pub id: Id,
    /// When it was deleted.
    pub deleted_at: UtcDate,
    /// When it had come.
    pub received_at: UtcDate,
    /// The path of the mailbox it was in.
    pub path: String,
    /// Its authors.
    pub from: Vec<EmailAddress>,
    /// Its recipients.
    pub to: Vec<EmailAddress>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its octets.
    pub size: u64,
}

impl DeletedEmail {
    /// A mail of this structure.
    #[must_use]
    pub fn of(structure: &Structure, id: Id, (deleted_at, received_at): (UtcDate, UtcDate), path: String) -> Self {
        let envelope = &structure.envelope;
        Self {
            id,
            deleted_at,
            received_at,
            path,
            from: addresses(&envelope.from),
            to: addresses(&envelope.to),
            subject: envelope
                .subject
                .as_deref()
                .map(|subject| words::decode(subject).into_owned()),
            size: structure.octets,
        }
    }
}

/// Arguments of `DeletedEmail/restore`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeletedEmailRestore {
    /// Which account.
    pub account_id: Id,
    /// Into which mailbox each of them comes.
    pub restore: BTreeMap<Id, IdOrCreation>,
}
