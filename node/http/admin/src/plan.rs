//! /api/plans: what the operator offers organisations (PLAN-1).

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_directory::{Feature, Field, Limit, PlanChange, PlanRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Result};

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plan {
    name: String,
    /// Functions that it leaves out; all others are in it.
    without: BTreeSet<Feature>,
    /// Limits that it sets; others are the installation's.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    limits: BTreeMap<&'static str, u64>,
    created_millis: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPlan)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    without: BTreeSet<Feature>,
    /// By the name of the limit.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    limits: BTreeMap<Limit, u64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanChange)]
pub(crate) struct Change {
    without: Option<BTreeSet<Feature>>,
    /// By the name of the limit; null takes one away, others stay.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Option<u64>>)]
    limits: BTreeMap<Limit, Option<u64>>,
}

pub(crate) fn view(plan: &PlanRecord) -> Plan {
    Plan {
        name: plan.name.clone(),
        without: plan.without.clone(),
        limits: plan
            .limits
            .iter()
            .map(|(limit, value)| (limit.name(), *value))
            .collect(),
        created_millis: plan.created.millis,
    }
}

/// All plans.
#[utoipa::path(get, path = "/api/plans", params(PageQuery), responses((status = 200, body = Page<Plan>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<Plan>>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let plans = caller.directory.plans(query.after.clone(), query.limit()).await?;
    let items = plans.iter().map(view).collect();
    Ok(Json(Page::new(items, query.limit(), |plan: &Plan| plan.name.clone())))
}

/// Makes a plan.
#[utoipa::path(post, path = "/api/plans", request_body = Create, responses((status = 201, body = Plan), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Tagged<Plan>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let change = PlanChange {
        without: Field::Set(new.without),
        limits: new
            .limits
            .into_iter()
            .map(|(limit, value)| (limit, Some(value)))
            .collect(),
        expect: None,
    };
    let plan = caller.directory.create_plan(&new.name, &change).await?;
    Ok(Tagged::created(plan.etag(), view(&plan)))
}

/// A plan.
#[utoipa::path(get, path = "/api/plans/{name}", params(("name" = String, Path)), responses((status = 200, body = Plan), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<Plan>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let plan = caller.directory.plan(&name).await?;
    Ok(Tagged::new(plan.etag(), view(&plan)))
}

/// Changes a plan for all organisations that have it.
#[utoipa::path(patch, path = "/api/plans/{name}", params(("name" = String, Path)), request_body = Change, responses((status = 200, body = Plan), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<Plan>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let change = PlanChange {
        without: change.without.into(),
        limits: change.limits,
        expect,
    };
    let outcome = caller.directory.change_plan(&name, &change).await;
    let present = async { Ok(view(&caller.directory.plan(&name).await?)) };
    let plan = with_present(outcome, present).await?;
    Ok(Tagged::new(plan.etag(), view(&plan)))
}

/// Removes a plan that no organisation has.
#[utoipa::path(delete, path = "/api/plans/{name}", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    caller.permit_operator(Action::ManageOrganisations)?;
    caller.directory.delete_plan(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
