//! BegunReply (`ops/docs/jmap.md`): who of the users of a shared mailbox is answering what, so that no two do it at once (SBX, bad
//! input). A reply is begun with its draft, whichever way that came, and over once the draft is sent or gone, or for too long
//! nobody has saved it.

use hongyan_directory::AccountState;
use hongyan_jmap::object::{BegunReply, BegunReplyGet, ShareEntity};
use hongyan_jmap::{Id, UtcDate};
use hongyan_mailbox::{Act, ActKind, Email, EmailId, SpecialUse, read_acts, read_email, read_emails};
use hongyan_message::message_id;
use hongyan_types::{SystemFlag, Timestamp};
use serde::Serialize;

use crate::account::directory_failed;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids;
use crate::snapshot::{Found, Snapshot};

/// Acts read at a time.
const ACTS: usize = 500;
/// Emails of a conversation among which those are looked for that a reply answers, the latest.
const ANSWERED_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GetReply<'a> {
    account_id: &'a Id,
    state: String,
    list: Vec<BegunReply>,
}

/// Lists all of the account, the latest first. The state is that of emails.
pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: BegunReplyGet = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    let mut list = Vec::new();
    for act in added(call).await? {
        if let Some(email) = act.email
            && let Some(found) = snapshot.find(email)
            && is_draft(&snapshot, &found)
        {
            list.extend(begun(call, &snapshot, &act, email).await?);
        }
    }
    let account_id = call.account.id.clone();
    let state = call.account.state(snapshot.modseq);
    call.answer(&GetReply {
        account_id: &account_id,
        state,
        list,
    })
}

/// What was put into the mailbox lately, the latest first.
async fn added(call: &Call<'_>) -> Outcome<Vec<Act>> {
    let services = &call.jmap.services;
    let span = i64::try_from(call.jmap.settings.begun_reply_kept.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp {
        millis: services.env.wall_millis().saturating_sub(span),
    };
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let acts = read_acts(&services.database, call.account.mailbox, since, before, ACTS).await?;
        before = acts.last().map(|act| act.id);
        let is_full = acts.len() == ACTS;
        all.extend(
            acts.into_iter()
                .filter(|act| act.kind == ActKind::Added && act.email.is_some()),
        );
        if !is_full {
            return Ok(all);
        }
    }
}

/// Mail clients say it of the mail, or keep it in the folder for drafts.
fn is_draft(snapshot: &Snapshot, found: &Found<'_>) -> bool {
    let in_drafts = |folder| {
        let folder = snapshot.folder(folder);
        folder.is_some_and(|folder| folder.special_use == Some(SpecialUse::Drafts))
    };
    found.first.flags.contains(SystemFlag::Draft) || found.places.iter().any(|place| in_drafts(place.folder))
}

/// What a mail answers: by `In-Reply-To`, else the last of its references (RFC 5322 §3.6.4).
fn answers(email: &Email) -> Vec<String> {
    let structure = &email.structure;
    let said = structure.envelope.in_reply_to.as_deref().map(message_id::list);
    match said {
        Some(ids) if !ids.is_empty() => ids,
        _ => structure.references.last().cloned().into_iter().collect(),
    }
}

async fn begun(call: &Call<'_>, snapshot: &Snapshot, act: &Act, draft: EmailId) -> Outcome<Option<BegunReply>> {
    let (database, mailbox) = (&call.jmap.services.database, call.account.mailbox);
    let (Some(found), Some(email)) = (snapshot.find(draft), read_email(database, mailbox, draft).await?) else {
        return Ok(None);
    };
    let in_reply_to = answers(&email);
    if in_reply_to.is_empty() {
        return Ok(None);
    }
    let thread = found.first.thread;
    let mut others: Vec<EmailId> = snapshot.thread(thread).iter().map(|(_, email, ..)| *email).collect();
    others.dedup();
    others.retain(|email| *email != draft);
    let others = others.split_off(others.len().saturating_sub(ANSWERED_MAX));
    let emails = read_emails(database, mailbox, &others).await?;
    let is_answered = |email: &Email| {
        let id = email
            .structure
            .envelope
            .message_id
            .as_deref()
            .and_then(message_id::first);
        id.is_some_and(|id| in_reply_to.contains(&id))
    };
    let answered = others.iter().zip(&emails);
    let answered = answered.filter(|(_, email)| email.as_ref().is_some_and(is_answered));
    Ok(Some(BegunReply {
        id: ids::email(draft),
        thread_id: ids::thread(thread),
        email_ids: answered.map(|(id, _)| ids::email(*id)).collect(),
        in_reply_to,
        since: UtcDate(act.id.at),
        by: who(call, act).await?,
    }))
}

/// Users of a mailbox know one another by name; who is hidden is no principal (ORG-11).
async fn who(call: &Call<'_>, act: &Act) -> Outcome<ShareEntity> {
    let directory = &call.jmap.services.directory;
    let failed = |error| directory_failed(&error);
    let sight = directory.sight_of(&call.account.person).await.map_err(failed)?;
    let account = directory.account(act.person).await.map_err(failed)?;
    let page = directory.page(call.account.record.tenant).await.map_err(failed)?;
    let seen = account
        .as_ref()
        .filter(|account| account.state == AccountState::Active && sight.sees(account));
    let name = account.as_ref().map(|account| page.name_of(account));
    let email = account.as_ref().map(|account| account.address.to_string());
    Ok(ShareEntity {
        principal_id: seen.map(|account| ids::principal(account.id)),
        name: match name.filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => email.clone().unwrap_or_default(),
        },
        email,
    })
}
