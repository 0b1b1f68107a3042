//! DeletedEmail (`ops/docs/jmap.md`): mails that were deleted for good and can be had back for a while (RS-12).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use hongyan_jmap::object::{DeletedEmail, DeletedEmailGet, DeletedEmailRestore};
use hongyan_jmap::{Id, IdOrCreation, MethodError, SetError, SetErrorType, UtcDate};
use hongyan_mailbox::{MailboxError, PurgedId, Restore, read_purged};
use hongyan_types::Timestamp;
use serde::Serialize;

use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::refused::{Changed, Refused};
use crate::snapshot::Snapshot;

/// Mails listed at once.
const LISTED_MAX: usize = 200;
/// Mails restored at once (RS-11).
const RESTORED_MAX: usize = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GetReply<'a> {
    account_id: &'a Id,
    list: Vec<DeletedEmail>,
    has_more: bool,
}

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: DeletedEmailGet = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let before = arguments
        .before
        .as_ref()
        .map(|id| ids::read_purged(id).ok_or(id))
        .transpose();
    let before = before.map_err(|id| MethodError::arguments(format!("no id of a deleted email: {id}")))?;
    let limit = arguments.limit.unwrap_or(LISTED_MAX).min(LISTED_MAX);
    let services = &call.jmap.services;
    let kept = i64::try_from(call.jmap.settings.deleted_kept.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp {
        millis: services.env.wall_millis().saturating_sub(kept),
    };
    let found = read_purged(&services.database, call.account.mailbox, since, before, limit + 1).await?;
    let has_more = found.len() > limit;
    let list = found.into_iter().take(limit).map(|purged| {
        let dates = (UtcDate(purged.id.at), UtcDate(purged.internal_date));
        DeletedEmail::of(&purged.email.structure, ids::purged(purged.id), dates, purged.path)
    });
    let account_id = call.account.id.clone();
    call.answer(&GetReply {
        account_id: &account_id,
        list: list.collect(),
        has_more,
    })
}

#[derive(Serialize)]
struct Restored {
    id: Id,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoreReply<'a> {
    account_id: &'a Id,
    old_state: String,
    new_state: String,
    restored: BTreeMap<Id, Restored>,
    not_restored: BTreeMap<Id, SetError>,
}

pub(crate) async fn restore(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: DeletedEmailRestore = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.restore.len() > RESTORED_MAX {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    let snapshot = call.jmap.snapshot(call.account).await?;
    let outcomes = arguments
        .restore
        .iter()
        .map(|(id, mailbox)| restore_one(call, &snapshot, id, mailbox));
    let outcomes = join_all(outcomes).await;
    let (mut restored, mut not_restored) = (BTreeMap::new(), BTreeMap::new());
    for (id, outcome) in arguments.restore.into_keys().zip(outcomes) {
        match outcome {
            Ok(email) => drop(restored.insert(id, Restored { id: email })),
            Err(Refused::Set(error)) => drop(not_restored.insert(id, *error)),
            Err(Refused::Failed(failure)) => return Err(failure),
        }
    }
    let account_id = call.account.id.clone();
    let new_state = call.account.state(call.jmap.snapshot(call.account).await?.modseq);
    call.answer(&RestoreReply {
        account_id: &account_id,
        old_state: call.account.state(snapshot.modseq),
        new_state,
        restored,
        not_restored,
    })
}

async fn restore_one(call: &Call<'_>, snapshot: &Snapshot, id: &Id, mailbox: &IdOrCreation) -> Changed<Id> {
    let purged: PurgedId = ids::read_purged(id).ok_or(SetErrorType::NotFound)?;
    let folder = mailbox.resolve(call.created).and_then(ids::read_folder);
    let folder = folder.filter(|folder| snapshot.folder(*folder).is_some());
    let folder = folder.ok_or_else(|| SetError::properties(["mailboxId"], "no such mailbox"))?;
    let request = Restore {
        purged,
        folder: folder.into(),
    };
    let reply = call.ask(request).await?.map_err(|error| match error {
        MailboxError::NoSuchMessage => Refused::from(SetErrorType::NotFound),
        MailboxError::OverQuota => SetErrorType::OverQuota.into(),
        error => Refused::Failed(error.into()),
    })?;
    let email = reply.message.emails.first().copied().ok_or(SetErrorType::NotFound)?;
    Ok(ids::email(email))
}
