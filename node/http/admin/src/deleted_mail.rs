//! /api/members/{address}/deleted-mails: mails that were deleted for good and can be had back for a while (RS-11, RS-12).

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_audit::{Chain, Event};
use hongyan_directory::AccountRecord;
use hongyan_mailbox::{EmailId, FolderRef, MailboxError, MailboxId, Purged, PurgedId, Restore, read_purged};
use hongyan_message::{AddressItem, words};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};

/// Mails restored by one request (RS-11).
const RESTORED_MAX: usize = 200;
/// How long a mailbox may take for one mail.
const WITHIN: Duration = Duration::from_secs(10);

/// A mail that was deleted for good.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedMail {
    /// What to name it by.
    id: String,
    deleted_millis: i64,
    received_millis: i64,
    /// The folder that it was in.
    folder: String,
    from: Vec<String>,
    subject: String,
    octets: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeletedMailsRestore)]
pub(crate) struct Wanted {
    /// Which, at most 200.
    ids: Vec<String>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedMailsRestored {
    items: Vec<DeletedMailRestored>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedMailRestored {
    id: String,
    /// It is in the inbox again.
    restored: bool,
    /// Why not.
    detail: Option<String>,
}

fn id(purged: PurgedId) -> String {
    format!("{:x}-{:x}", purged.at.millis, purged.email.0)
}

fn read_id(text: &str) -> Option<PurgedId> {
    let (millis, email) = text.split_once('-')?;
    Some(PurgedId {
        at: Timestamp {
            millis: i64::from_str_radix(millis, 16).ok().filter(|millis| *millis >= 0)?,
        },
        email: EmailId(u64::from_str_radix(email, 16).ok()?),
    })
}

fn view(purged: Purged) -> DeletedMail {
    let envelope = &purged.email.structure.envelope;
    let from = envelope.from.iter().filter_map(|item| match item {
        AddressItem::Mailbox(mailbox) => {
            let domain = mailbox.domain.as_deref().unwrap_or_default();
            Some(format!("{}@{domain}", mailbox.local))
        }
        AddressItem::GroupStart(_) | AddressItem::GroupEnd => None,
    });
    DeletedMail {
        id: id(purged.id),
        deleted_millis: purged.id.at.millis,
        received_millis: purged.internal_date.millis,
        from: from.collect(),
        subject: words::decode(envelope.subject.as_deref().unwrap_or_default()).into_owned(),
        octets: purged.email.octets.0,
        folder: purged.path,
    }
}

/// The member, for someone who may look into their mail: that takes the right to control them, and a fresh proof.
async fn owner(caller: &Caller, address: &str) -> Result<std::sync::Arc<AccountRecord>> {
    let account = caller.member(Action::ControlMembers, address).await?;
    caller.check_proof()?;
    if !account.settings.recover_deleted {
        let detail = "settings.recover_deleted: recovery of deleted mail is not allowed for this member";
        return Err(Problem::forbidden(detail));
    }
    Ok(account)
}

/// Mails of a member that were deleted for good and can still be had back, the latest first. Looking is in the audit log.
#[utoipa::path(get, path = "/api/members/{address}/deleted-mails", params(("address" = String, Path), Query), responses((status = 200, body = Page<DeletedMail>), Failure))]
pub(crate) async fn list(
    caller: Caller,
    Path(address): Path<String>,
    Asked(query): Asked<Query>,
) -> Result<Json<Page<DeletedMail>>> {
    let account = owner(&caller, &address).await?;
    let before = page::after(query.after.as_deref(), read_id)?;
    let looked = Event::new("member.deleted-mails", &account.address).id(account.id.0);
    caller.directory.record(Chain::Tenant(account.tenant), looked).await?;
    let mailbox = MailboxId {
        tenant: account.tenant,
        account: account.id,
    };
    let kept = i64::try_from(caller.deleted_mail_kept.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp {
        millis: caller.access.now().millis.saturating_sub(kept),
    };
    let limit = page::limit(query.limit);
    let found = read_purged(caller.directory.database(), mailbox, since, before, limit).await;
    let found = found.map_err(hongyan_directory::Error::from)?;
    let items = found.into_iter().map(view).collect();
    Ok(Json(Page::new(items, limit, |mail: &DeletedMail| mail.id.clone())))
}

/// Puts mails that were deleted for good back into the member's inbox; tells of each what became of it.
#[utoipa::path(post, path = "/api/members/{address}/deleted-mails/restore", params(("address" = String, Path)), request_body = Wanted, responses((status = 200, body = DeletedMailsRestored), Failure))]
pub(crate) async fn restore(
    caller: Caller,
    Path(address): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<DeletedMailsRestored>> {
    let account = owner(&caller, &address).await?;
    if wanted.ids.len() > RESTORED_MAX {
        return Err(Problem::too_large("ids", RESTORED_MAX as u64));
    }
    let asked = Event::new("member.restore-mails", &account.address)
        .id(account.id.0)
        .with("mails", wanted.ids.len());
    caller.directory.record(Chain::Tenant(account.tenant), asked).await?;
    let mailbox = MailboxId {
        tenant: account.tenant,
        account: account.id,
    };
    let mut items = Vec::with_capacity(wanted.ids.len());
    for id in wanted.ids {
        let detail = restore_one(&caller, mailbox, &id).await?;
        items.push(DeletedMailRestored {
            id,
            restored: detail.is_none(),
            detail,
        });
    }
    Ok(Json(DeletedMailsRestored { items }))
}

/// Why a mail is not back; nothing when it is.
async fn restore_one(caller: &Caller, mailbox: MailboxId, id: &str) -> Result<Option<String>> {
    let Some(purged) = read_id(id) else {
        return Ok(Some("it is no id of a deleted mail".to_owned()));
    };
    let request = Restore {
        purged,
        folder: FolderRef::INBOX,
    };
    match caller.router.ask(&mailbox, request, WITHIN).await? {
        Ok(_) => Ok(None),
        Err(MailboxError::NoSuchMessage) => Ok(Some("it is not there, or not any more".to_owned())),
        Err(error @ MailboxError::OverQuota) => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
