//! /api/organisations/{name}/plan and /limits: what an organisation has, and what bounds it (PLAN-6, GEN-5).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{
    Affected, Error, Etag, Feature, Limit, LimitLevel, LimitsChange, PlanAssignment, Service as InForce,
};
use hongyan_types::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged};
use crate::problem::{Failure, Problem, Result};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// What an organisation has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Service {
    /// The plan in force; null has everything.
    plan: Option<String>,
    since_millis: Option<i64>,
    until_millis: Option<i64>,
    /// The plan that follows then; null has everything.
    fallback: Option<String>,
    seats: Seats,
    features: Vec<FeatureView>,
    limits: Vec<LimitView>,
}

/// Advanced seats (PLAN-2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Seats {
    /// Null is as many as are wanted.
    total: Option<u64>,
    used: u64,
    available: Option<u64>,
}

impl Seats {
    pub(crate) fn of(service: &InForce) -> Self {
        let total = service.used.seats;
        Self {
            total,
            used: service.seats_used,
            available: total.map(|total| total.saturating_sub(service.seats_used)),
        }
    }
}

/// A function, and whether the plan has it (GEN-2).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureView {
    name: Feature,
    included: bool,
}

/// A limit in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitView {
    name: &'static str,
    /// Null is no limit.
    max: Option<u64>,
    /// Present use; null where each account has its own.
    used: Option<u64>,
    level: LimitLevel,
    /// Values that it may have.
    range_min: u64,
    range_max: u64,
    /// Whether the organisation's administrators may tighten it.
    may_tighten: bool,
    /// The lowest level at which it may be set.
    lowest_level: LimitLevel,
}

impl LimitView {
    pub(crate) fn new(in_force: &hongyan_directory::InForce, used: Option<u64>) -> Self {
        let limit = in_force.limit;
        Self {
            name: limit.name(),
            max: in_force.max,
            used,
            level: in_force.level,
            range_min: *limit.range().start(),
            range_max: *limit.range().end(),
            may_tighten: limit.is_organisations(),
            lowest_level: limit.lowest(),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanAssignment)]
pub(crate) struct Assign {
    /// Null has everything.
    plan: Option<String>,
    /// When it ends.
    until_millis: Option<i64>,
    /// The same, in days from now.
    days: Option<u32>,
    /// The plan that follows then; null has everything.
    fallback: Option<String>,
    /// Advanced seats; null is as many as are wanted.
    seats: Option<u64>,
    /// Even when something is affected.
    #[serde(default)]
    confirmed: bool,
}

/// What another plan would touch; nothing is deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AffectedView {
    /// Functions that end.
    features: Vec<Feature>,
    /// Limits below present use: that stays, and no more is added.
    above: Vec<AboveView>,
    /// Limits of each account that get tighter.
    tighter: Vec<TighterView>,
    /// Seats given beyond those that are left.
    seats_above: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AboveView {
    limit: &'static str,
    max: u64,
    used: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TighterView {
    limit: &'static str,
    max: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LimitsChange)]
pub(crate) struct ChangeLimits {
    /// By the name of the limit; null takes the organisation's own away, others stay.
    #[schema(value_type = std::collections::BTreeMap<String, Option<u64>>)]
    limits: BTreeMap<Limit, Option<u64>>,
}

fn affected_view(affected: &Affected) -> AffectedView {
    let above = affected.above.iter().map(|(limit, max, used)| AboveView {
        limit: limit.name(),
        max: *max,
        used: *used,
    });
    let tighter = affected.tighter.iter().map(|(limit, max)| TighterView {
        limit: limit.name(),
        max: *max,
    });
    AffectedView {
        features: affected.features.clone(),
        above: above.collect(),
        tighter: tighter.collect(),
        seats_above: affected.seats_above,
    }
}

fn view(service: &InForce) -> Service {
    let used = &service.used;
    let without = service
        .plan
        .as_ref()
        .map(|plan| plan.without.clone())
        .unwrap_or_default();
    let features = Feature::ALL.into_iter().map(|name| FeatureView {
        name,
        included: !without.contains(&name),
    });
    let limits = service.limits.iter();
    let limits = limits.map(|(in_force, used)| LimitView::new(in_force, *used));
    Service {
        plan: service.plan.as_ref().map(|plan| plan.name.clone()),
        since_millis: used.since.map(|at| at.millis),
        until_millis: used.until.map(|at| at.millis),
        fallback: used.fallback.clone(),
        seats: Seats::of(service),
        features: features.collect(),
        limits: limits.collect(),
    }
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

async fn present(caller: &Caller, id: TenantId) -> Result<Tagged<Service>> {
    let service = caller.directory.service(id).await?;
    Ok(Tagged::new(service.used.etag(), view(&service)))
}

fn asked(caller: &Caller, assign: Assign, expect: Option<Etag>) -> PlanAssignment {
    let now = caller.directory.now().millis;
    let by_days = assign.days.map(|days| now.saturating_add(i64::from(days) * DAY_MILLIS));
    PlanAssignment {
        plan: assign.plan,
        until: assign.until_millis.or(by_days).map(|millis| Timestamp { millis }),
        fallback: assign.fallback,
        seats: assign.seats,
        confirmed: assign.confirmed,
        expect,
    }
}

/// The plan of an organisation, its seats, functions and limits.
#[utoipa::path(get, path = "/api/organisations/{name}/plan", params(("name" = String, Path)), responses((status = 200, body = Service), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<Service>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    present(&caller, id).await
}

/// Gives an organisation a plan. What that affects is listed as `present` of the refusal, until it is confirmed.
#[utoipa::path(put, path = "/api/organisations/{name}/plan", params(("name" = String, Path)), request_body = Assign, responses((status = 200, body = Service), Failure))]
pub(crate) async fn assign(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(assign): Body<Assign>,
) -> Result<Tagged<Service>> {
    let id = named(&caller, Action::ManageOrganisations, &name).await?;
    let asked = asked(&caller, assign, expect);
    match caller.directory.assign_plan(id, &asked).await {
        Ok(_) => present(&caller, id).await,
        Err(error @ Error::InUse { .. }) => {
            let affected = caller.directory.preview_plan(id, &asked).await?;
            Err(Problem::from(error).showing(&affected_view(&affected)))
        }
        Err(error @ Error::Changed { .. }) => Err(Problem::from(error).showing(&present(&caller, id).await?.body)),
        Err(error) => Err(error.into()),
    }
}

/// What another plan would affect.
#[utoipa::path(post, path = "/api/organisations/{name}/plan/preview", params(("name" = String, Path)), request_body = Assign, responses((status = 200, body = AffectedView), Failure))]
pub(crate) async fn preview(
    caller: Caller,
    Path(name): Path<String>,
    Body(assign): Body<Assign>,
) -> Result<Json<AffectedView>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    let affected = caller.directory.preview_plan(id, &asked(&caller, assign, None)).await?;
    Ok(Json(affected_view(&affected)))
}

/// Sets limits of one organisation: the operator to any value in its range, administrators to tighter ones.
#[utoipa::path(patch, path = "/api/organisations/{name}/limits", params(("name" = String, Path)), request_body = ChangeLimits, responses((status = 200, body = Service), Failure))]
pub(crate) async fn set_limits(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<ChangeLimits>,
) -> Result<Tagged<Service>> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let change = LimitsChange {
        limits: change.limits,
        by_operator: caller.actor.tenant().is_none(),
        expect,
    };
    caller.directory.set_limits(id, &change).await?;
    present(&caller, id).await
}
