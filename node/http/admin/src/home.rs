//! /api/home: an organisation at a glance, for its administrators (ADM-1 to ADM-3).

use axum::Json;
use hongyan_access::permission::{Action, Object, Reach};
use hongyan_directory::{AccountKind, Limit, MemberQuery};
use hongyan_kv::Transaction;
use hongyan_profile::Profiles;
use hongyan_types::TenantId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Asked;
use crate::caller::Caller;
use crate::message;
use crate::problem::{Failure, Problem, Result};
use crate::service::Seats;
use crate::statistics::{Week, weeks};
use crate::tag::Whose;

/// Messages that are looked at for how many are unread.
const MESSAGES_MAX: usize = 1_000;

/// An organisation at a glance. Who manages some departments sees their numbers, and nothing of the whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Home {
    organisation: String,
    members: u64,
    shared_mailboxes: u64,
    departments: u64,
    /// Of the organisation itself; null for who manages some departments.
    whole: Option<Whole>,
    /// Last week's figures; null for who may not read logs.
    figures: Option<Figures>,
}

/// What is the organisation's as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whole {
    /// Whether it has a logo: /api/organisations/{name}/logo.
    has_logo: bool,
    /// Members and shared mailboxes that it may have; null is no limit.
    members_max: Option<u64>,
    /// The plan in force; null has everything.
    plan: Option<String>,
    /// When the plan ends.
    plan_until_millis: Option<i64>,
    /// When the service ends.
    service_until_millis: Option<i64>,
    domains: u64,
    /// Advanced seats.
    seats: Seats,
    /// Messages of the system that the caller has not read, at most 1000; null for operators and programs.
    messages_unread: Option<u64>,
    /// What a new organisation does first.
    guide: Vec<GuideStep>,
}

/// A step of the guide (ADM-2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GuideStep {
    /// `add-members`, `add-domain` or `start-to-use`.
    step: &'static str,
    done: bool,
}

/// The last seven days that are over, and what is different from the seven before (ADM-3).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Figures {
    week: Week,
    week_before: Week,
    change: WeekChange,
    /// The organisation is not as old as both weeks: what is compared is since its making.
    since_creation: bool,
}

/// How much more than in the week before; less is negative.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WeekChange {
    sent: i64,
    received: i64,
    signed_in: i64,
    /// Null where nobody has counted them.
    accounts: Option<i64>,
}

fn more(now: u64, before: u64) -> i64 {
    let read = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    read(now).saturating_sub(read(before))
}

/// How far the caller manages the organisation in any way.
async fn reach(caller: &Caller, name: Option<&str>) -> Result<(TenantId, Reach)> {
    let members = caller.within(Action::ReadMembers, name).await;
    for other in [Action::ReadAudit, Action::ReadGroups] {
        if !members.as_ref().is_err_and(|refused| refused.status == 403) {
            break;
        }
        if let Ok(permitted) = caller.within(other, name).await {
            return Ok(permitted);
        }
    }
    members
}

async fn departments(caller: &Caller, tenant: TenantId, reach: &Reach) -> Result<u64> {
    let all = caller.directory.departments(tenant).await?;
    let Reach::Departments(within) = reach else {
        return Ok(all.len() as u64);
    };
    let mut seen = 0;
    for department in &all {
        let is_seen = caller
            .directory
            .is_within(tenant, department.department.id, within)
            .await?;
        seen += u64::from(is_seen);
    }
    Ok(seen)
}

async fn whole(caller: &Caller, tenant: TenantId, accounts: u64) -> Result<Whole> {
    let service = caller.directory.service(tenant).await?;
    let has_logo = match Profiles::new(&caller.directory)
        .logo(tenant)
        .await
        .map_err(Problem::from)
    {
        Ok(_) => true,
        Err(missing) if missing.status == 404 => false,
        Err(error) => return Err(error),
    };
    let members_max = service.limits.iter();
    let members_max = members_max
        .filter(|(in_force, _)| in_force.limit == Limit::AccountsPerTenantMax)
        .find_map(|(in_force, _)| in_force.max);
    let messages_unread = match message::reader(caller) {
        None => None,
        Some(reader) => {
            let count = async move |transaction: &mut Transaction| {
                let mut unread = 0;
                for told in hongyan_notice::told(transaction, tenant, None, MESSAGES_MAX).await? {
                    let is_read = hongyan_notice::is_read(transaction, tenant, told.place, reader).await?;
                    unread += u64::from(!is_read);
                }
                Ok::<_, hongyan_kv::Error>(unread)
            };
            let unread = caller.directory.database().run(count).await;
            Some(unread.map_err(hongyan_directory::Error::from)?)
        }
    };
    let today = caller.counts.today(tenant).await?;
    let kept = caller.directory.log_days(tenant).await?;
    let days = caller.counts.days(tenant, today.before(kept), today.after(1)).await?;
    let is_used = |counted: &hongyan_statistics::Counted| counted.sent + counted.received + counted.sign_ins > 0;
    let domains = service.tenant.counts.domains;
    let guide = [
        ("add-members", accounts > 1),
        ("add-domain", domains > 0),
        ("start-to-use", days.values().any(|total| is_used(&total.counted))),
    ];
    Ok(Whole {
        has_logo,
        members_max,
        plan: service.plan.as_ref().map(|plan| plan.name.clone()),
        plan_until_millis: service.used.until.map(|at| at.millis),
        service_until_millis: service.tenant.service_until.map(|at| at.millis),
        domains,
        seats: Seats::of(&service),
        messages_unread,
        guide: guide.map(|(step, done)| GuideStep { step, done }).into(),
    })
}

async fn figures(caller: &Caller, tenant: TenantId) -> Result<Option<Figures>> {
    let Ok(reach) = caller.permit(Action::ReadAudit, &Object::organisation(tenant)) else {
        return Ok(None);
    };
    let (week, week_before, since_creation) = weeks(caller, tenant, &reach).await?;
    let change = WeekChange {
        sent: more(week.sent, week_before.sent),
        received: more(week.received, week_before.received),
        signed_in: more(week.signed_in, week_before.signed_in),
        accounts: week
            .accounts
            .zip(week_before.accounts)
            .map(|(now, before)| more(now, before)),
    };
    Ok(Some(Figures {
        week,
        week_before,
        change,
        since_creation,
    }))
}

/// The organisation at a glance: its people, plan and seats, what is to be done first, and last week beside the week before.
#[utoipa::path(get, path = "/api/home", params(Whose), responses((status = 200, body = Home), Failure))]
pub(crate) async fn show(caller: Caller, Asked(whose): Asked<Whose>) -> Result<Json<Home>> {
    let (tenant, reach) = reach(&caller, whose.organisation.as_deref()).await?;
    let of = |kind| MemberQuery {
        kind: Some(kind),
        within: reach.clone().departments(),
        ..MemberQuery::default()
    };
    let directory = &caller.directory;
    let members = directory.count_members(tenant, &of(AccountKind::Member)).await? as u64;
    let shared_mailboxes = directory.count_members(tenant, &of(AccountKind::Shared)).await? as u64;
    let is_whole = caller
        .permit(Action::ReadOrganisation, &Object::organisation(tenant))
        .is_ok_and(|reach| reach == Reach::Organisation);
    let whole = match is_whole {
        true => Some(whole(&caller, tenant, members + shared_mailboxes).await?),
        false => None,
    };
    Ok(Json(Home {
        organisation: directory.tenant(tenant).await?.name.clone(),
        members,
        shared_mailboxes,
        departments: departments(&caller, tenant, &reach).await?,
        whole,
        figures: figures(&caller, tenant).await?,
    }))
}
