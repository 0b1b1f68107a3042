//! Email/copy (RFC 8621 §4.7): mails of another account that the caller may use.

use std::collections::BTreeMap;

use hongyan_jmap::method::{Set, SetReply};
use hongyan_jmap::{Id, IdOrCreation, MethodError, MethodErrorType, RawValue, SetError, SetErrorType, UtcDate};
use hongyan_mailbox::{EmailId, MailboxId, MessageWriter, read_email};
use serde::{Deserialize, Serialize};

use super::create::{Created, keep, place};
use super::keywords;
use crate::account::Account;
use crate::call::Call;
use crate::error::{Failure, Outcome};
use crate::ids;
use crate::refused::{Changed, Refused};
use crate::snapshot::Snapshot;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Copy {
    from_account_id: Id,
    #[serde(default)]
    if_from_in_state: Option<String>,
    account_id: Id,
    #[serde(default)]
    if_in_state: Option<String>,
    create: BTreeMap<Id, Box<RawValue>>,
    #[serde(default)]
    on_success_destroy_original: bool,
    #[serde(default)]
    destroy_from_if_in_state: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailCopy {
    id: Id,
    mailbox_ids: BTreeMap<String, bool>,
    #[serde(default)]
    keywords: Option<BTreeMap<String, bool>>,
    #[serde(default)]
    received_at: Option<UtcDate>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    from_account_id: &'a Id,
    account_id: &'a Id,
    old_state: Option<String>,
    new_state: String,
    created: Option<BTreeMap<Id, Created>>,
    not_created: Option<BTreeMap<Id, SetError>>,
}

pub(crate) async fn copy(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Copy = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let from: Account = call.other_account(&arguments.from_account_id)?.clone();
    if from.id == call.account.id {
        let words = "the accounts of a copy are two";
        return Err(MethodError::arguments(words).into());
    }
    if arguments.create.len() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    let theirs = call.jmap.snapshot(&from).await?;
    let ours = call.jmap.snapshot(call.account).await?;
    let is_in = |wanted: &Option<String>, account: &Account, snapshot: &Snapshot| {
        let state = account.state(snapshot.modseq);
        wanted.as_ref().is_none_or(|wanted| *wanted == state)
    };
    if !is_in(&arguments.if_from_in_state, &from, &theirs) || !is_in(&arguments.if_in_state, call.account, &ours) {
        return Err(MethodErrorType::StateMismatch.into());
    }
    let account_id = call.account.id.clone();
    let mut reply: SetReply<'_, Created> = SetReply::new(&account_id, call.account.state(ours.modseq));
    let mut originals = Vec::new();
    for (creation, text) in arguments.create {
        match copy_one(call, from.mailbox, &theirs, &text).await {
            Ok((original, created)) => {
                originals.push(IdOrCreation::Id(original));
                call.created.insert(creation.clone(), created.id.clone());
                reply.created.insert(creation, created);
            }
            Err(Refused::Set(error)) => {
                reply.not_created.insert(creation, *error);
            }
            Err(Refused::Failed(failure)) if reply.created.is_empty() => return Err(failure),
            Err(Refused::Failed(_)) => return Err(MethodErrorType::ServerPartialFail.into()),
        }
    }
    let new_state = call.account.state(call.jmap.snapshot(call.account).await?.modseq);
    call.answer(&Reply {
        from_account_id: &from.id,
        account_id: &account_id,
        old_state: reply.old_state,
        new_state,
        created: Some(reply.created).filter(|created| !created.is_empty()),
        not_created: Some(reply.not_created).filter(|not_created| !not_created.is_empty()),
    })?;
    if arguments.on_success_destroy_original && !originals.is_empty() {
        if from.read_only {
            return Err(MethodErrorType::AccountReadOnly.into());
        }
        let set = Set {
            account_id: from.id.clone(),
            if_in_state: arguments.destroy_from_if_in_state,
            create: None,
            update: None,
            destroy: Some(originals),
            on_destroy_remove_emails: false,
        };
        let mut theirs = Call {
            account: &from,
            jmap: call.jmap,
            accounts: call.accounts,
            created: &mut *call.created,
            name: call.name,
            id: call.id,
            text: call.text,
            response: &mut *call.response,
        };
        return super::set_as(&mut theirs, "Email/set", set).await;
    }
    Ok(())
}

async fn copy_one(call: &Call<'_>, from: MailboxId, theirs: &Snapshot, text: &RawValue) -> Changed<(Id, Created)> {
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: EmailCopy = serde_json::from_str(text.get()).map_err(wrong)?;
    let missing = || SetError::from(SetErrorType::NotFound);
    let email: EmailId = ids::read_email(&new.id).ok_or_else(missing)?;
    let found = theirs.find(email).ok_or_else(missing)?;
    let record = read_email(&call.jmap.services.database, from, email).await;
    let record = record.map_err(Failure::from)?.ok_or_else(missing)?;
    for (property, set) in [
        ("mailboxIds", Some(&new.mailbox_ids)),
        ("keywords", new.keywords.as_ref()),
    ] {
        if set.is_some_and(|set| set.values().any(|is_in| !is_in)) {
            return Err(SetError::properties([property], "every value of the object is true").into());
        }
    }
    let names: Vec<String> = match new.keywords {
        Some(keywords) => keywords.into_keys().collect(),
        None => keywords::of(theirs, &found),
    };
    let mailbox_ids: Vec<String> = new.mailbox_ids.into_keys().collect();
    let received = new.received_at.unwrap_or_else(|| UtcDate(found.received()));
    let place = place(call, &mailbox_ids, &names, Some(received)).await?;
    let services = &call.jmap.services;
    let mut reader = services.blobs.open_blob(from.tenant.0, &record.blob).await?;
    let mut writer = MessageWriter::new(&services.blobs, call.account.mailbox.tenant);
    while let Some(piece) = reader.next_chunk().await? {
        writer.push(&piece).await?;
    }
    let created = keep(call, writer.finish().await?, place).await?;
    Ok((new.id, created))
}
