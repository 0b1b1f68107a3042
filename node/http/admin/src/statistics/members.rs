//! What was counted of each member (STAT-1 to STAT-3), as a list and as a file.

use axum::Json;
use axum::response::Response;
use hongyan_access::permission::{Action, Reach};
use hongyan_audit::{Chain, Event};
use hongyan_statistics::Counted;
use hongyan_types::AccountId;
use hongyan_upkeep::{Sheet, SheetFormat, TaskError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Days, Range};
use crate::body::Asked;
use crate::caller::Caller;
use crate::page;
use crate::problem::{Failure, Problem, Result};
use crate::sheet;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The first day, such as `2026-11-01`; 29 days before the last one when left out.
    from: Option<String>,
    /// The last day; today when left out.
    until: Option<String>,
    /// The `next` of the page before.
    after: Option<u64>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// What was counted of one member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberCounts {
    id: u64,
    /// The address; of who is gone the last one.
    address: String,
    display_name: String,
    /// They are gone.
    deleted: bool,
    sent: u64,
    received: u64,
    sign_ins: u64,
}

/// What was counted of members of whom something was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembersCounts {
    items: Vec<MemberCounts>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
    /// What of the days asked for is missing, and why.
    note: Option<String>,
}

/// The member, if the caller may see what was counted of them.
async fn view(
    caller: &Caller,
    range: &Range,
    reach: &Reach,
    (id, counted): (AccountId, Counted),
) -> Result<Option<MemberCounts>> {
    let account = caller.directory.account(id).await?;
    let is_whole = *reach == Reach::Organisation;
    let (address, display_name, deleted) = match &account {
        Some(account) => {
            let permitted = caller.permit_member(Action::ReadAudit, account, &account.address).await;
            if !is_whole && permitted.is_err() {
                return Ok(None);
            }
            (account.address.to_string(), account.display_name.clone(), false)
        }
        // To which department they belonged is not known any more.
        None if !is_whole => return Ok(None),
        None => {
            let name = caller.counts.name(range.tenant, id).await?;
            (name.unwrap_or_default(), String::new(), true)
        }
    };
    Ok(Some(MemberCounts {
        id: id.0,
        address,
        display_name,
        deleted,
        sent: counted.sent,
        received: counted.received,
        sign_ins: counted.sign_ins,
    }))
}

/// What each member has sent and got, and how often they have signed in; those of whom nothing was counted are left out.
#[utoipa::path(get, path = "/api/statistics/members", params(Query), responses((status = 200, body = MembersCounts), Failure))]
pub(crate) async fn members(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<MembersCounts>> {
    let (tenant, reach) = caller.within(Action::ReadAudit, query.organisation.as_deref()).await?;
    let days = Days {
        from: query.from,
        until: query.until,
        organisation: None,
    };
    let range = days.range(&caller, tenant).await?;
    let limit = page::limit(query.limit);
    let counted = caller.counts.members(tenant, range.from, range.end).await?;
    let after = query.after.map_or(0, |after| after.saturating_add(1));
    let (mut items, mut next) = (Vec::new(), None);
    for found in counted.range(AccountId(after)..) {
        if items.len() >= limit {
            next = items.last().map(|last: &MemberCounts| last.id.to_string());
            break;
        }
        items.extend(view(&caller, &range, &reach, (*found.0, *found.1)).await?);
    }
    Ok(Json(MembersCounts {
        items,
        next,
        note: range.note,
    }))
}

/// The same of all members, as a file: CSV in UTF-8, its cells safe from spreadsheets' formulas.
#[utoipa::path(get, path = "/api/statistics/members/export", params(Days), responses((status = 200, description = "The file", body = String, content_type = "text/csv"), Failure))]
pub(crate) async fn export(caller: Caller, Asked(days): Asked<Days>) -> Result<Response> {
    let (tenant, reach) = caller.within(Action::ReadAudit, days.organisation.as_deref()).await?;
    let range = days.range(&caller, tenant).await?;
    let counted = caller.counts.members(tenant, range.from, range.end).await?;
    let mut written = Sheet {
        head: ["address", "name", "deleted", "sent", "received", "sign_ins"]
            .map(str::to_owned)
            .to_vec(),
        rows: Vec::new(),
    };
    for found in counted {
        let Some(member) = view(&caller, &range, &reach, found).await? else {
            continue;
        };
        let line = u32::try_from(written.rows.len() + 2).map_err(|_| Problem::invalid("there are too many lines"))?;
        let deleted = if member.deleted { "yes" } else { "" };
        let cells = vec![
            member.address,
            member.display_name,
            deleted.to_owned(),
            member.sent.to_string(),
            member.received.to_string(),
            member.sign_ins.to_string(),
        ];
        written.rows.push((line, cells));
    }
    // What leaves the house is in the log.
    let taken = Event::new("statistics.export", "members")
        .with("from", range.from)
        .with("until", range.end.before(1))
        .with("rows", written.rows.len());
    caller.directory.record(Chain::Tenant(tenant), taken).await?;
    let octets = written.write(SheetFormat::Csv).map_err(TaskError::from)?;
    Ok(sheet::file("statistics-members", SheetFormat::Csv, octets))
}
