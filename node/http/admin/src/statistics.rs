//! /api/statistics: how much mail members send and get, how often they sign in, what room their mail takes (STAT, ADM-3).

mod capacity;
mod members;
mod overview;
mod sign_ins;

pub(crate) use capacity::{__path_capacity, capacity};
pub(crate) use members::{__path_export, __path_members, export, members};
pub(crate) use overview::{__path_overview, Week, overview, weeks};
pub(crate) use sign_ins::{__path_sign_ins, sign_ins};

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_statistics::{Counted, Day, DayError, StatisticsSettings, Total};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// Days that are shown when nobody says which.
const DAYS_DEFAULT: u64 = 30;

/// Which days, of the organisation's clock.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day, such as `2026-11-01`; 29 days before the last one when left out.
    from: Option<String>,
    /// The last day; today when left out.
    until: Option<String>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

/// A range of days that are kept.
pub(super) struct Range {
    tenant: TenantId,
    from: Day,
    /// The day after the last one.
    end: Day,
    note: Option<String>,
}

impl From<DayError> for Problem {
    fn from(error: DayError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl Days {
    /// What of the days asked for is kept; the rest is cut off, with a note.
    async fn range(&self, caller: &Caller, tenant: TenantId) -> Result<Range> {
        let today = caller.counts.today(tenant).await?;
        let read = |text: &Option<String>| text.as_deref().map(Day::read).transpose();
        let last = read(&self.until)?.unwrap_or(today).min(today);
        let wanted = read(&self.from)?.unwrap_or(last.before(DAYS_DEFAULT - 1));
        if wanted > last {
            return Err(Problem::invalid("from is after until, or still to come"));
        }
        let kept = caller.directory.log_days(tenant).await?;
        let from = wanted.max(today.before(kept));
        let note = (from > wanted).then(|| format!("from is cut to {from}: {kept} days are kept"));
        Ok(Range {
            tenant,
            from,
            end: last.max(from).after(1),
            note,
        })
    }
}

/// What was counted on one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayTotal {
    /// The day, of the organisation's clock.
    day: String,
    sent: u64,
    received: u64,
    sign_ins: u64,
    /// How many accounts there were; null for days on which nothing happened.
    accounts: Option<u64>,
}

/// What was counted on each day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayTotals {
    items: Vec<DayTotal>,
    /// What of the days asked for is missing, and why.
    note: Option<String>,
}

/// How an organisation's days are counted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StatisticsSettings)]
pub(crate) struct Settings {
    /// The time zone of its days, such as `Asia/Shanghai`. What is counted already stays with its day.
    time_zone: String,
}

/// The sum of what was counted on several days.
fn sum<'t>(totals: impl Iterator<Item = &'t Total>) -> Counted {
    totals.fold(Counted::default(), |sum, total| Counted {
        sent: sum.sent + total.counted.sent,
        received: sum.received + total.counted.received,
        sign_ins: sum.sign_ins + total.counted.sign_ins,
    })
}

/// What the organisation's members have sent and got, and how often they have signed in, day by day (STAT-1, STAT-2).
#[utoipa::path(get, path = "/api/statistics/days", params(Days), responses((status = 200, body = DayTotals), Failure))]
pub(crate) async fn days(caller: Caller, Asked(query): Asked<Days>) -> Result<Json<DayTotals>> {
    let name = query.organisation.as_deref();
    let tenant = caller.organisation(name).await?;
    // Sums of all members are for those who see all of them.
    caller.within_whole(Action::ReadAudit, tenant)?;
    let range = query.range(&caller, tenant).await?;
    let found = caller.counts.days(tenant, range.from, range.end).await?;
    let items = found.into_iter().map(|(day, total)| DayTotal {
        day: day.to_string(),
        sent: total.counted.sent,
        received: total.counted.received,
        sign_ins: total.counted.sign_ins,
        accounts: total.accounts,
    });
    Ok(Json(DayTotals {
        items: items.collect(),
        note: range.note,
    }))
}

/// How the organisation's days are counted.
#[utoipa::path(get, path = "/api/statistics/settings", params(Whose), responses((status = 200, body = Settings), Failure))]
pub(crate) async fn settings(caller: Caller, Asked(whose): Asked<Whose>) -> Result<Json<Settings>> {
    let name = whose.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadOrganisation, name).await?;
    let StatisticsSettings { time_zone } = caller.counts.settings(tenant).await?;
    Ok(Json(Settings { time_zone }))
}

/// Changes how the organisation's days are counted from now on.
#[utoipa::path(put, path = "/api/statistics/settings", params(Whose), request_body = Settings, responses((status = 200, body = Settings), Failure))]
pub(crate) async fn set_settings(
    caller: Caller,
    Asked(whose): Asked<Whose>,
    Body(new): Body<Settings>,
) -> Result<Json<Settings>> {
    let name = whose.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ChangeOrganisation, name).await?;
    let new = StatisticsSettings {
        time_zone: new.time_zone,
    };
    let changed = caller.counts.change_settings(&caller.directory, tenant, new).await?;
    Ok(Json(Settings {
        time_zone: changed.time_zone,
    }))
}
