//! What room each member's mail takes (STAT-4).

use std::time::Duration;

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_directory::{AccountRecord, MemberQuery};
use hongyan_mailbox::{GetQuota, MailboxId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::member;
use crate::page;
use crate::problem::{Failure, Result};

/// How long a mailbox may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Words that must each occur in name, address, pinyin, initials.
    #[serde(default)]
    text: String,
    /// Only those that use at least so much, in octets.
    #[serde(default)]
    used_min: u64,
    /// Only those that use at most so much, in octets.
    used_max: Option<u64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Members that are looked at for the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// What room a member's mail takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberCapacity {
    id: u64,
    address: String,
    display_name: String,
    /// The room there is, in octets; 0 is no limit.
    octets_max: u64,
    octets: u64,
    messages: u64,
}

/// Part of the members.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembersCapacity {
    items: Vec<MemberCapacity>,
    /// What to ask for as `after`; nothing at the end. A page may have few items, or none, and others follow.
    next: Option<String>,
    /// Mailboxes that did not answer: they are missing.
    silent: Vec<String>,
}

async fn used(caller: &Caller, account: &AccountRecord) -> Option<MemberCapacity> {
    let mailbox = MailboxId {
        tenant: account.tenant,
        account: account.id,
    };
    let quota = caller.router.ask(&mailbox, GetQuota, WITHIN).await.ok()?.ok()?.quota;
    Some(MemberCapacity {
        id: account.id.0,
        address: account.address.to_string(),
        display_name: account.display_name.clone(),
        octets_max: quota.limits.octets_max,
        octets: quota.octets,
        messages: quota.messages,
    })
}

/// What room each member's mail takes, by name.
#[utoipa::path(get, path = "/api/statistics/capacity", params(Query), responses((status = 200, body = MembersCapacity), Failure))]
pub(crate) async fn capacity(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<MembersCapacity>> {
    let (tenant, reach) = caller
        .within(Action::ReadMembers, query.organisation.as_deref())
        .await?;
    let after = page::after(query.after.as_deref(), member::place)?;
    let asked = MemberQuery {
        text: query.text,
        within: reach.departments(),
        ..MemberQuery::default()
    };
    let limit = page::limit(query.limit);
    let page = caller
        .directory
        .find_members(tenant, &asked, after.as_ref(), limit)
        .await?;
    let range = query.used_min..=query.used_max.unwrap_or(u64::MAX);
    let (mut items, mut silent) = (Vec::new(), Vec::new());
    for account in &page.accounts {
        match used(&caller, account).await {
            Some(found) if range.contains(&found.octets) => items.push(found),
            Some(_) => {}
            None => silent.push(account.address.to_string()),
        }
    }
    Ok(Json(MembersCapacity {
        items,
        next: page.next.as_ref().map(member::token),
        silent,
    }))
}
