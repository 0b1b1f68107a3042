//! One's own mail: what was sent and how far it came, what came and where it went, and a word to the administrators.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Actor, Object};
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountRecord, Error};
use hongyan_mailbox::{FolderInfo, ListFolders, MailboxId};
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_statistics::{Counts, MailFilter, MailOf};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{LoggedMail, token, view};
use super::{Kind, read_place};
use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::kept::Kept;
use crate::page;
use crate::problem::{Failure, Problem, Result};

/// How long a mailbox may take to name its folders.
const WITHIN: Duration = Duration::from_secs(5);
/// Characters of a remark.
const REMARK_CHARACTERS_MAX: usize = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Not before, in milliseconds since the Unix epoch.
    from_millis: Option<i64>,
    /// Before.
    until_millis: Option<i64>,
    /// Only what was sent, or what was got.
    kind: Option<Kind>,
    /// Only what has this in its subject, without regard to case.
    subject: Option<String>,
    /// Only what has this in the sender's or a recipient's address.
    address: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
}

/// A mail of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnMail {
    #[serde(flatten)]
    mail: LoggedMail,
    /// The folder that it was put into, by its present name; null for mail that was sent, or never came.
    folder: Option<String>,
    /// What can be done: recall what was sent, report it to the administrators; method and path.
    actions: Vec<String>,
}

/// Part of the log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnMails {
    items: Vec<OwnMail>,
    /// What to ask for as `after`; nothing at the end. A page may have few items, or none, and others follow.
    next: Option<String>,
    /// What of the time asked for is missing, and why.
    note: Option<String>,
}

/// A word to the administrators.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailReport {
    /// What they are to know, at most 1000 characters.
    #[serde(default)]
    remark: String,
}

/// The caller's own account.
pub(crate) async fn me(caller: &Caller) -> Result<Arc<AccountRecord>> {
    let Actor::Person(person) = &caller.actor else {
        return Err(Problem::invalid("an operator has no mailbox of their own"));
    };
    let object = Object::organisation(person.tenant).of(person.account);
    caller.permit(Action::ReadFactors, &object)?;
    let account = caller.directory.account(person.account).await?;
    account.ok_or_else(|| Problem::not_found("it does not exist any more"))
}

/// The present names of the folders of a mailbox; none when it does not answer.
async fn folders(caller: &Caller, account: &AccountRecord) -> Arc<Vec<FolderInfo>> {
    let mailbox = MailboxId {
        tenant: account.tenant,
        account: account.id,
    };
    match caller.router.ask(&mailbox, ListFolders, WITHIN).await {
        Ok(Ok(listed)) => listed.folders,
        _ => Arc::default(),
    }
}

/// Mail that I sent and got, the newest first: how far it came, and where it went.
#[utoipa::path(get, path = "/api/me/mail", params(Query), responses((status = 200, body = OwnMails), Failure))]
pub(crate) async fn own(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<OwnMails>> {
    let me = me(&caller).await?;
    let kept = Kept::since(&caller, me.tenant, query.from_millis).await?;
    let filter = MailFilter {
        from: Some(kept.from),
        until: query.until_millis.map(|millis| Timestamp { millis }),
        kind: query.kind.map(Kind::meant),
        domain: None,
        subject: query.subject.filter(|text| !text.is_empty()),
        address: query.address.filter(|text| !text.is_empty()),
    };
    let before = page::after(query.after.as_deref(), read_place)?;
    let limit = page::limit(query.limit);
    let page = caller
        .counts
        .mail(MailOf::Account(me.id), &filter, before, limit)
        .await?;
    let folders = match page.entries.iter().any(|(_, entry)| entry.folder.is_some()) {
        true => folders(&caller, &me).await,
        false => Arc::default(),
    };
    let mut items = Vec::with_capacity(page.entries.len());
    for (place, entry) in page.entries {
        let name = |id: u32| folders.iter().find(|folder| folder.id.0 == id);
        let folder = entry
            .folder
            .and_then(name)
            .map(|folder| folder.path.as_str().to_owned());
        let mail = view(&caller, place, entry).await?;
        let mut actions: Vec<String> = mail.recall().into_iter().collect();
        actions.push(format!("POST /api/me/mail/{}/report", token(place)));
        items.push(OwnMail { mail, folder, actions });
    }
    Ok(Json(OwnMails {
        items,
        next: page.next.map(token),
        note: kept.note,
    }))
}

/// Tells the administrators of a mail of mine: sender, recipients, time and state, never its text. Once for each.
#[utoipa::path(post, path = "/api/me/mail/{id}/report", params(("id" = String, Path)), request_body = MailReport, responses((status = 204), Failure))]
pub(crate) async fn report(
    caller: Caller,
    Path(id): Path<String>,
    Body(report): Body<MailReport>,
) -> Result<StatusCode> {
    let me = me(&caller).await?;
    if report.remark.chars().count() > REMARK_CHARACTERS_MAX {
        return Err(Problem::invalid(format!(
            "remark: at most {REMARK_CHARACTERS_MAX} characters"
        )));
    }
    let missing = || Problem::not_found("there is no such mail in the log");
    let place = read_place(&id).ok_or_else(missing)?;
    let entry = caller.counts.mail_at(me.id, place).await?.ok_or_else(missing)?;
    let at = entry.at;
    let facts = view(&caller, place, entry).await?.facts();
    let body = format!("{}\n{} ms\n{facts}\n\n{}\n", me.address, at.millis, report.remark);
    let english = Text::new(&format!("{} reports a mail", me.address), &body);
    let chinese = Text::new(&format!("{} 上报了一封邮件", me.address), &body);
    let to = Recipient::Administrators(me.tenant);
    let notice = Notice::new(caller.directory.env(), to, "mail.reported", english, chinese);
    let (tenant, account) = (me.tenant, me.id);
    caller
        .directory
        .transact(async move |change| {
            if !Counts::report_mail(change, account, place).await? {
                return Err(Error::Refused("it was reported already".to_owned()));
            }
            hongyan_notice::write(change, &notice);
            change.record(Chain::Tenant(tenant), Event::new("mail.report", &id).id(account.0));
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
