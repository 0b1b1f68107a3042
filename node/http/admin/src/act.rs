//! /api/members/{address}/acts: what others did in a mailbox: its users, and who acts for its person (SBX, DLG).

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_audit::{Chain, Event};
use hongyan_mailbox::{ACTS_KEPT, Act as Done, ActId, MailboxId, read_acts};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Result};

/// What someone did in a mailbox that is not theirs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Act {
    at_millis: i64,
    /// Who: the address, or the number of who is gone.
    person: String,
    /// `sent`, `added`, `moved`, `deleted`, `restored`, `folder-moved` or `folder-deleted`.
    what: &'static str,
    folder: String,
    /// How many messages; 0 for a folder as a whole.
    messages: u64,
    #[serde(skip)]
    id: Option<ActId>,
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

fn read_id(text: &str) -> Option<ActId> {
    let (millis, number) = text.split_once('-')?;
    Some(ActId {
        at: Timestamp {
            millis: millis.parse().ok().filter(|millis| *millis >= 0)?,
        },
        number: number.parse().ok()?,
    })
}

fn write_id(id: ActId) -> String {
    format!("{}-{}", id.at.millis, id.number)
}

async fn view(caller: &Caller, done: Done) -> Result<Act> {
    let person = caller.directory.account(done.person).await?;
    Ok(Act {
        at_millis: done.id.at.millis,
        person: person.map_or_else(|| done.person.0.to_string(), |person| person.address.to_string()),
        what: done.kind.label(),
        folder: done.path,
        messages: done.messages,
        id: Some(done.id),
    })
}

/// What others did in a mailbox, the latest first, for 180 days. `me` is the caller: members see who acted for them. That an
/// administrator looks is in the audit log.
#[utoipa::path(get, path = "/api/members/{address}/acts", params(("address" = String, Path), Query), responses((status = 200, body = Page<Act>), Failure))]
pub(crate) async fn list(
    caller: Caller,
    Path(address): Path<String>,
    Asked(query): Asked<Query>,
) -> Result<Json<Page<Act>>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let before = page::after(query.after.as_deref(), read_id)?;
    if !caller.is(&account) {
        let looked = Event::new("member.acts", &account.address).id(account.id.0);
        caller.directory.record(Chain::Tenant(account.tenant), looked).await?;
    }
    let mailbox = MailboxId {
        tenant: account.tenant,
        account: account.id,
    };
    let kept = i64::try_from(ACTS_KEPT.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp {
        millis: caller.access.now().millis.saturating_sub(kept),
    };
    let limit = page::limit(query.limit);
    let found = read_acts(caller.directory.database(), mailbox, since, before, limit).await;
    let mut items = Vec::new();
    for done in found.map_err(hongyan_directory::Error::from)? {
        items.push(view(&caller, done).await?);
    }
    Ok(Json(Page::new(items, limit, |act: &Act| {
        act.id.map(write_id).unwrap_or_default()
    })))
}
