//! New emails of Email/set (RFC 8621 §4.6) and of Email/import (§4.8).

use std::collections::BTreeMap;

use hongyan_jmap::object::{Defaults, NewEmail};
use hongyan_jmap::{Id, MethodErrorType, RawValue, SetError, SetErrorType, UtcDate};
use hongyan_mailbox::{Append, AppendMessage, FolderId, MessageWriter, NewMessage};
use hongyan_message::SentDate;
use hongyan_types::{Flag, Timestamp};
use serde::{Deserialize, Serialize};

use super::keywords;
use super::parse::is_mail;
use super::set::{bad_keyword, change, folder, refused, unchanged};
use crate::blob::open;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids::{self, BlobId, BlobSource};
use crate::refused::{Changed, Refused};
use crate::set_answers::SetAnswers;

/// What the server set of a new email.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    pub(crate) id: Id,
    blob_id: Id,
    thread_id: Id,
    size: u64,
}

/// Where a new email goes.
pub(super) struct Place {
    folders: Vec<FolderId>,
    flags: Vec<Flag>,
    received: Option<Timestamp>,
}

/// Makes the email that a client describes.
pub(super) async fn create(call: &Call<'_>, text: &RawValue) -> Changed<Created> {
    let new = NewEmail::read(text)?;
    let place = place(call, &new.mailbox_ids, &new.keywords, new.received_at).await?;
    let blobs = blobs(call, &new).await?;
    let env = &call.jmap.services.env;
    let date = SentDate {
        timestamp: Timestamp::from_secs(
            Timestamp {
                millis: env.wall_millis(),
            }
            .secs(),
        ),
        zone_minutes: 0,
    };
    let defaults = Defaults {
        date,
        message_id: format!(
            "{:016x}{:016x}@{}",
            env.random_u64(),
            env.random_u64(),
            call.account.domain
        ),
    };
    let bytes = new.build(&blobs, &defaults);
    let mut writer = MessageWriter::new(&call.jmap.services.blobs, call.account.mailbox.tenant);
    writer.push(&bytes).await?;
    keep(call, writer.finish().await?, place).await
}

/// The content of the blobs that a new email is made of.
async fn blobs(call: &Call<'_>, new: &NewEmail) -> Changed<BTreeMap<String, Vec<u8>>> {
    let max = call.jmap.settings.created_octets_max;
    let mut blobs = BTreeMap::new();
    let mut octets = 0;
    for id in new.blob_ids() {
        let missing = || SetError::blob_not_found(id);
        let blob = BlobId::read(id).ok_or_else(missing)?;
        let mut stretch = open(call.jmap, call.account, &blob).await?.ok_or_else(missing)?;
        let mut bytes = Vec::new();
        while let Some(piece) = stretch.next().await? {
            octets += piece.len() as u64;
            if octets > max {
                return Err(SetError::too_large(max).into());
            }
            bytes.extend_from_slice(&piece);
        }
        blobs.insert(id.to_owned(), bytes);
    }
    Ok(blobs)
}

pub(super) async fn place(
    call: &Call<'_>,
    mailbox_ids: &[String],
    names: &[String],
    received: Option<UtcDate>,
) -> Changed<Place> {
    let snapshot = call.jmap.snapshot(call.account).await?;
    let folders = mailbox_ids
        .iter()
        .map(|id| folder(call, &snapshot, id))
        .collect::<Changed<Vec<_>>>()?;
    if folders.is_empty() {
        return Err(SetError::properties(["mailboxIds"], "an email is in a mailbox").into());
    }
    let flags = names
        .iter()
        .map(|name| keywords::flag(name).ok_or_else(|| bad_keyword(name)));
    let flags: Vec<Flag> = flags.collect::<Result<_, _>>()?;
    call.account.check_new(&folders, &flags)?;
    Ok(Place {
        folders,
        flags,
        received: received.map(|date| date.0),
    })
}

/// Puts a mail into its first folder, and into the others with it.
pub(super) async fn keep(call: &Call<'_>, message: NewMessage, place: Place) -> Changed<Created> {
    let size = message.octets().0;
    let Some((first, others)) = place.folders.split_first() else {
        return Err(SetErrorType::InvalidProperties.into());
    };
    let request = Append {
        folder: (*first).into(),
        messages: vec![AppendMessage {
            message,
            flags: place.flags,
            internal_date: place.received,
        }],
    };
    let appended = call.ask(request).await?.map_err(refused)?;
    let Some(email) = appended.emails.first().copied() else {
        return Err(Refused::Failed(MethodErrorType::ServerFail.into()));
    };
    if !others.is_empty() {
        change(call, email, |snapshot| {
            let mut request = unchanged(snapshot, email);
            request.put_into = others.to_vec();
            Ok(request)
        })
        .await?;
    }
    let snapshot = call.jmap.snapshot(call.account).await?;
    let thread = snapshot.find(email).map(|found| found.thread());
    Ok(Created {
        id: ids::email(email),
        blob_id: BlobId::from(BlobSource::Email(email)).to_id(),
        thread_id: ids::thread(thread.unwrap_or(hongyan_mailbox::ThreadId(email.0))),
        size,
    })
}

/// Arguments of Email/import.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Import {
    account_id: Id,
    #[serde(default)]
    if_in_state: Option<String>,
    emails: BTreeMap<Id, Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EmailImport {
    blob_id: String,
    mailbox_ids: BTreeMap<String, bool>,
    #[serde(default)]
    keywords: BTreeMap<String, bool>,
    #[serde(default)]
    received_at: Option<UtcDate>,
}

/// The answer of Email/import: the part of a `/set` about what was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportReply<'a> {
    account_id: &'a Id,
    old_state: Option<String>,
    new_state: String,
    created: BTreeMap<Id, Created>,
    not_created: BTreeMap<Id, SetError>,
}

/// Email/import (RFC 8621 §4.8).
pub(crate) async fn import(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Import = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.emails.len() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(hongyan_jmap::MethodError::too_large("maxObjectsInSet").into());
    }
    let snapshot = call.jmap.snapshot(call.account).await?;
    let old_state = call.account.state(snapshot.modseq);
    if arguments.if_in_state.as_ref().is_some_and(|state| *state != old_state) {
        return Err(MethodErrorType::StateMismatch.into());
    }
    let account_id = call.account.id.clone();
    let mut answers = SetAnswers::new(&account_id, old_state);
    for (creation, text) in arguments.emails {
        let outcome = import_one(call, &text).await;
        if let Ok(created) = &outcome {
            call.created.insert(creation.clone(), created.id.clone());
        }
        answers.created(creation, outcome);
    }
    let reply = answers.end()?;
    let new_state = call.account.state(call.jmap.snapshot(call.account).await?.modseq);
    call.answer(&ImportReply {
        account_id: &account_id,
        old_state: reply.old_state,
        new_state,
        created: reply.created,
        not_created: reply.not_created,
    })
}

async fn import_one(call: &Call<'_>, text: &RawValue) -> Changed<Created> {
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: EmailImport = serde_json::from_str(text.get()).map_err(wrong)?;
    for (property, set) in [("mailboxIds", &new.mailbox_ids), ("keywords", &new.keywords)] {
        if set.values().any(|is_in| !is_in) {
            return Err(SetError::properties([property], "every value of the object is true").into());
        }
    }
    let mailbox_ids: Vec<String> = new.mailbox_ids.into_keys().collect();
    let names: Vec<String> = new.keywords.into_keys().collect();
    let place = place(call, &mailbox_ids, &names, new.received_at).await?;
    let missing = || SetError::properties(["blobId"], "no such blob");
    let blob = BlobId::read(&new.blob_id).ok_or_else(missing)?;
    let mut stretch = open(call.jmap, call.account, &blob).await?.ok_or_else(missing)?;
    let mut writer = MessageWriter::new(&call.jmap.services.blobs, call.account.mailbox.tenant);
    while let Some(piece) = stretch.next().await? {
        if writer.octets().0 == 0 && !is_mail(&piece) {
            return Err(SetErrorType::InvalidEmail.into());
        }
        writer.push(&piece).await?;
    }
    if writer.octets().0 == 0 {
        return Err(SetErrorType::InvalidEmail.into());
    }
    keep(call, writer.finish().await?, place).await
}
