//! The figures of the last week (ADM-3).

use std::collections::BTreeMap;

use axum::Json;
use hongyan_access::permission::{Action, Reach};
use hongyan_directory::{AccountKind, MemberQuery};
use hongyan_statistics::{Day, Total};
use hongyan_types::TenantId;
use serde::Serialize;
use utoipa::ToSchema;

use super::sum;
use crate::body::Asked;
use crate::caller::Caller;
use crate::problem::{Failure, Result};
use crate::sight::Sight;
use crate::tag::Whose;

const WEEK: u64 = 7;

/// The figures of a week.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Week {
    /// Its first and its last day.
    from: String,
    until: String,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Members who signed in at least once.
    pub(crate) signed_in: u64,
    /// Members and mailboxes of several people at its end; null where nobody has counted them.
    pub(crate) accounts: Option<u64>,
}

/// The organisation at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Members now.
    members: u64,
    /// Mailboxes of several people now.
    shared_mailboxes: u64,
    /// The last seven days that are over.
    week: Week,
    /// The seven days before.
    week_before: Week,
    /// The organisation is not as old as both weeks: what is compared is since its making.
    since_creation: bool,
}

/// The figures of the last seven days that are over, beside those of the seven days before.
#[utoipa::path(get, path = "/api/statistics/overview", params(Whose), responses((status = 200, body = Overview), Failure))]
pub(crate) async fn overview(caller: Caller, Asked(whose): Asked<Whose>) -> Result<Json<Overview>> {
    let tenant = caller.organisation(whose.organisation.as_deref()).await?;
    caller.within_whole(Action::ReadAudit, tenant)?;
    let (now, before, since_creation) = weeks(&caller, tenant, &Reach::Organisation).await?;
    let record = caller.directory.tenant(tenant).await?;
    let query = MemberQuery {
        kind: Some(AccountKind::Shared),
        ..MemberQuery::default()
    };
    let shared = caller.directory.find_members(tenant, &query, None, 1).await?.total as u64;
    Ok(Json(Overview {
        members: record.counts.accounts.saturating_sub(shared),
        shared_mailboxes: shared,
        week: now,
        week_before: before,
        since_creation,
    }))
}

/// The last seven days that are over and the seven before, of the members whom a right reaches, and whether the organisation is younger.
pub(crate) async fn weeks(caller: &Caller, tenant: TenantId, reach: &Reach) -> Result<(Week, Week, bool)> {
    let today = caller.counts.today(tenant).await?;
    let (middle, first) = (today.before(WEEK), today.before(2 * WEEK));
    let created = caller.directory.tenant(tenant).await?.created;
    let zone = caller.counts.settings(tenant).await?.time_zone;
    let since_creation = Day::at(created, &zone)? > first;
    if *reach != Reach::Organisation {
        let mut sight = Sight::new(caller, reach);
        let now = seen(caller, tenant, &mut sight, (middle, today)).await?;
        let before = seen(caller, tenant, &mut sight, (first, middle)).await?;
        return Ok((now, before, since_creation));
    }
    let days = caller.counts.days(tenant, first, today).await?;
    let now = week(caller, tenant, &days, (middle, today)).await?;
    let before = week(caller, tenant, &days, (first, middle)).await?;
    Ok((now, before, since_creation))
}

/// The same of the members whom the caller sees.
async fn seen(caller: &Caller, tenant: TenantId, sight: &mut Sight<'_>, (from, end): (Day, Day)) -> Result<Week> {
    let mut week = Week {
        from: from.to_string(),
        until: end.before(1).to_string(),
        sent: 0,
        received: 0,
        signed_in: 0,
        accounts: None,
    };
    for (id, counted) in caller.counts.members(tenant, from, end).await? {
        if sight.sees(id).await? {
            week.sent += counted.sent;
            week.received += counted.received;
            week.signed_in += u64::from(counted.sign_ins > 0);
        }
    }
    Ok(week)
}

/// The week from the one day to the day before the other.
async fn week(caller: &Caller, tenant: TenantId, days: &BTreeMap<Day, Total>, (from, end): (Day, Day)) -> Result<Week> {
    let counted = sum(days.range(from..end).map(|(_, total)| total));
    let members = caller.counts.members(tenant, from, end).await?;
    let last = days.range(..end).rev().find_map(|(_, total)| total.accounts);
    Ok(Week {
        from: from.to_string(),
        until: end.before(1).to_string(),
        sent: counted.sent,
        received: counted.received,
        signed_in: members.values().filter(|counted| counted.sign_ins > 0).count() as u64,
        accounts: last,
    })
}
