//! /api/me/deletions: what was deleted in one's mailbox or moved to Trash, when and by what (LOG-7).

use axum::Json;
use hongyan_directory::AccountRecord;
use hongyan_mailbox::{ActId, MailboxId, Removal, is_recoverable, read_removals};
use hongyan_message::words;
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::kept::Kept;
use crate::mail_log::me;
use crate::page;
use crate::problem::{Failure, Result};

/// Mails that went together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deletion {
    at_millis: i64,
    /// `deleted` for good, or `trashed`: moved to Trash.
    what: &'static str,
    /// Through what: `imap`, `pop3`, `jmap` (the web client too), `recall` by the sender, or `server`.
    client: &'static str,
    /// Who, where it was not the mailbox's own person: the address, or the number of who is gone.
    person: Option<String>,
    /// The folder they were in.
    folder: String,
    /// How many.
    messages: u64,
    /// The first 20.
    mails: Vec<DeletedOne>,
}

/// A mail that went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedOne {
    /// The mail, as JMAP names it.
    email: String,
    subject: String,
    from: String,
    /// Whether it can be had back: from Trash, or as a mail deleted for good (`ops/docs/jmap.md`).
    recoverable: bool,
}

/// Part of the log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deletions {
    items: Vec<Deletion>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
    /// What of the time asked for is missing, and why.
    note: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Not before, in milliseconds since the Unix epoch.
    from_millis: Option<i64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
}

fn read_id(text: &str) -> Option<ActId> {
    let (millis, number) = text.split_once('-')?;
    Some(ActId {
        at: Timestamp {
            millis: millis.parse().ok().filter(|millis| *millis >= 0)?,
        },
        number: number.parse().ok()?,
    })
}

async fn view(caller: &Caller, me: &AccountRecord, removal: &Removal) -> Result<Deletion> {
    let mailbox = MailboxId {
        tenant: me.tenant,
        account: me.id,
    };
    let database = caller.directory.database();
    let mut mails = Vec::with_capacity(removal.mails.len());
    for mail in &removal.mails {
        let recoverable = is_recoverable(database, mailbox, removal, mail.email).await;
        mails.push(DeletedOne {
            email: mail.email.to_string(),
            subject: words::decode(&mail.subject).into_owned(),
            from: mail.from.clone(),
            recoverable: recoverable.map_err(hongyan_directory::Error::from)?,
        });
    }
    let person = match removal.person {
        Some(id) => {
            let account = caller.directory.account(id).await?;
            Some(account.map_or_else(|| id.0.to_string(), |account| account.address.to_string()))
        }
        None => None,
    };
    Ok(Deletion {
        at_millis: removal.id.at.millis,
        what: if removal.to_trash { "trashed" } else { "deleted" },
        client: removal.client.label(),
        person,
        folder: removal.path.clone(),
        messages: removal.messages,
        mails,
    })
}

/// What was deleted in my mailbox or moved to Trash, the newest first: when, by what, and whether it can be had back.
#[utoipa::path(get, path = "/api/me/deletions", params(Query), responses((status = 200, body = Deletions), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Deletions>> {
    let me = me(&caller).await?;
    let kept = Kept::since(&caller, me.tenant, query.from_millis).await?;
    let before = page::after(query.after.as_deref(), read_id)?;
    let limit = page::limit(query.limit);
    let mailbox = MailboxId {
        tenant: me.tenant,
        account: me.id,
    };
    let found = read_removals(caller.directory.database(), mailbox, kept.from, before, limit).await;
    let found = found.map_err(hongyan_directory::Error::from)?;
    let next = page::next(&found, limit, |last| {
        format!("{}-{}", last.id.at.millis, last.id.number)
    });
    let mut items = Vec::with_capacity(found.len());
    for removal in &found {
        items.push(view(&caller, &me, removal).await?);
    }
    Ok(Json(Deletions {
        items,
        next,
        note: kept.note,
    }))
}
