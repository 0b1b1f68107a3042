//! /api/members/{address}/sent-mails: what became of mails that were sent, by webmail or by mail clients (TRK-2, TRK-3), and
//! taking one back (TRK-5 to TRK-7).

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use futures_util::future::BoxFuture;
use hongyan_access::permission::Action;
use hongyan_audit::{Chain, Event};
use hongyan_delivery::{RecallError, Recalled};
use hongyan_directory::AccountRecord;
use hongyan_trail::{Delivered, Progress, Recipient, Submission, Submissions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};

/// What became of each recipient's copy, or why nothing is taken back.
pub type Recalls = std::result::Result<Vec<(String, Recalled)>, RecallError>;

/// Takes a mail of an account back under the rules of the node.
pub type RecallDoor = Arc<dyn Fn(AccountRecord, u64) -> BoxFuture<'static, Recalls> + Send + Sync>;

/// A mail that was sent, or waits for its time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SentMail {
    id: u64,
    sent_millis: i64,
    subject: String,
    message_id: Option<String>,
    /// `sent`, `scheduled` or `canceled`.
    state: &'static str,
    recipients: Vec<SentMailRecipient>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SentMailRecipient {
    address: String,
    /// `queued`, `delivered`, `failed`, `relayed` to another host that says no more, `recalled`, or `hidden` (MODE-3).
    status: &'static str,
    /// The last reply: code, enhanced status and words.
    reply: String,
    /// Whether the recipient has said that they have seen it.
    displayed: bool,
}

/// What became of a recall for each recipient.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailRecalled {
    recipients: Vec<RecipientRecalled>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecipientRecalled {
    address: String,
    /// `recalled`, `partly` (some members of a group), `read`, `gone`, `outside` or `failed`.
    result: &'static str,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
}

fn recipient(caller: &Caller, submission: &Submission, recipient: Recipient) -> SentMailRecipient {
    let is_told = !submission.is_scheduled || caller.recalls.tracks_scheduled;
    let status = match recipient.delivered {
        _ if !is_told => "hidden",
        Delivered::No if recipient.reply == hongyan_delivery::RECALLED => "recalled",
        Delivered::Queued => "queued",
        Delivered::Yes => "delivered",
        Delivered::No => "failed",
        Delivered::Unknown => "relayed",
    };
    SentMailRecipient {
        address: recipient.address,
        status,
        reply: if is_told { recipient.reply } else { String::new() },
        displayed: is_told && recipient.displayed,
    }
}

fn view(caller: &Caller, id: u64, submission: Submission, recipients: Vec<Recipient>) -> SentMail {
    let now = caller.access.now().millis;
    SentMail {
        id,
        sent_millis: submission.send_at_millis,
        subject: submission.subject.clone().unwrap_or_default(),
        message_id: submission.message_id.clone(),
        state: match submission.progress {
            Progress::Canceled => "canceled",
            _ if submission.is_scheduled && now < submission.send_at_millis => "scheduled",
            _ => "sent",
        },
        recipients: recipients
            .into_iter()
            .map(|one| recipient(caller, &submission, one))
            .collect(),
    }
}

/// The sender, for themselves or someone who may look into their mail: that takes a fresh proof and is in the audit log.
async fn sender(caller: &Caller, action: Action, address: &str, event: &'static str) -> Result<Arc<AccountRecord>> {
    let account = caller.member_or_me(action, address).await?;
    if !caller.is(&account) {
        caller.check_proof()?;
        let event = Event::new(event, &account.address).id(account.id.0);
        caller.directory.record(Chain::Tenant(account.tenant), event).await?;
    }
    Ok(account)
}

/// Mails that a member sent in the last 30 days, the latest first, each with what became of it. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/sent-mails", params(("address" = String, Path), Query), responses((status = 200, body = Page<SentMail>), Failure))]
pub(crate) async fn list(
    caller: Caller,
    Path(address): Path<String>,
    Asked(query): Asked<Query>,
) -> Result<Json<Page<SentMail>>> {
    let account = sender(&caller, Action::ReadSentMails, &address, "member.sent-mails").await?;
    let limit = page::limit(query.limit);
    let submissions = Submissions::of(account.tenant, account.id);
    let mut transaction = caller.directory.database().begin();
    let failed = hongyan_directory::Error::from;
    let found = submissions
        .last(&mut transaction, query.after, limit)
        .await
        .map_err(failed)?;
    let mut items = Vec::with_capacity(found.len());
    for (number, submission) in found {
        let recipients = submissions.recipients(&mut transaction, number).await.map_err(failed)?;
        items.push(view(&caller, number, submission, recipients));
    }
    Ok(Json(Page::new(items, limit, |mail: &SentMail| mail.id.to_string())))
}

fn number(id: &str) -> Result<u64> {
    id.parse()
        .map_err(|_| Problem::invalid("a mail that was sent is named by its number"))
}

/// One of them. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/sent-mails/{id}", params(("address" = String, Path), ("id" = u64, Path)), responses((status = 200, body = SentMail), Failure))]
pub(crate) async fn show(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<Json<SentMail>> {
    let id = number(&id)?;
    let account = sender(&caller, Action::ReadSentMails, &address, "member.sent-mails").await?;
    let submissions = Submissions::of(account.tenant, account.id);
    let mut transaction = caller.directory.database().begin();
    let failed = hongyan_directory::Error::from;
    let found = submissions.get(&mut transaction, id).await.map_err(failed)?;
    let found = found.ok_or_else(|| Problem::not_found(NOT_KEPT))?;
    let recipients = submissions.recipients(&mut transaction, id).await.map_err(failed)?;
    Ok(Json(view(&caller, id, found, recipients)))
}

/// Takes a mail back from mailboxes of this system; tells of each recipient what became of it. `me` is the caller.
#[utoipa::path(post, path = "/api/members/{address}/sent-mails/{id}/recall", params(("address" = String, Path), ("id" = u64, Path)), responses((status = 200, body = MailRecalled), Failure))]
pub(crate) async fn recall(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<Json<MailRecalled>> {
    let id = number(&id)?;
    let account = sender(&caller, Action::RecallMails, &address, "member.recall-mail").await?;
    let door = caller
        .recalls
        .door
        .as_ref()
        .ok_or_else(|| Problem::not_found("mails cannot be recalled here"))?;
    let results = door(AccountRecord::clone(&account), id).await;
    let results = results.map_err(|error| match error {
        RecallError::NoSuchSubmission => Problem::not_found(NOT_KEPT),
        RecallError::Unavailable => Problem::from(hongyan_router::AskError::Unavailable),
        error => Problem::refused(error.to_string()),
    })?;
    let recipients = results.into_iter().map(|(address, result)| RecipientRecalled {
        address,
        result: result.as_str(),
    });
    Ok(Json(MailRecalled {
        recipients: recipients.collect(),
    }))
}

const NOT_KEPT: &str = "there is no such mail, or it is no longer kept";
