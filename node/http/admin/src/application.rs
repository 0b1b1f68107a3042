//! /api/applications: those who want to join and wait for an administrator (MEM-8).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_directory::{ApplicationId, ApplicationRecord, DepartmentId};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address};
use crate::conditional::Tagged;
use crate::member::{Member, check_departments, view as view_member};
use crate::page::{self, PageQuery};
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// Someone who wants to join.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Application {
    id: u32,
    /// The address that they want.
    address: String,
    /// Somebody else has it by now: accept with another.
    taken: bool,
    display_name: String,
    mobile: String,
    private_address: String,
    department: Option<DepartmentId>,
    /// The label of the invitation that they came by.
    label: String,
    at_millis: i64,
}

/// Those who wait.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Applications {
    items: Vec<Application>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accept {
    /// Another address than the one that they want.
    address: Option<String>,
    /// Where they belong: as the invitation says when left out.
    departments: Option<Vec<DepartmentId>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    /// They are told, where they said how to reach them.
    reason: String,
}

async fn reaches(caller: &Caller, action: Action, tenant: TenantId, application: &ApplicationRecord) -> Result<()> {
    match application.department {
        Some(department) => check_departments(caller, action, tenant, &[department]).await,
        None => caller.within_whole(action, tenant),
    }
}

/// Those who want to join. Who manages some departments sees those who would belong there.
#[utoipa::path(get, path = "/api/applications", params(PageQuery), responses((status = 200, body = Applications), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Applications>> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadMembers, name).await?;
    let (after, limit) = (query.after()?, query.limit());
    let found = caller
        .directory
        .applications(tenant, after.map(ApplicationId), limit)
        .await?;
    let next = page::next(&found, limit, |last| last.id.to_string());
    let mut items = Vec::with_capacity(found.len());
    for application in found {
        if reaches(&caller, Action::ReadMembers, tenant, &application)
            .await
            .is_err()
        {
            continue;
        }
        items.push(Application {
            id: application.id.0,
            taken: caller.directory.is_taken(&application.address).await?,
            address: application.address.to_string(),
            display_name: application.display_name,
            mobile: application.mobile,
            private_address: application.private_address,
            department: application.department,
            label: application.label,
            at_millis: application.at.millis,
        });
    }
    Ok(Json(Applications { items, next }))
}

async fn find(caller: &Caller, id: &str, organisation: Option<&str>) -> Result<ApplicationRecord> {
    let (tenant, _) = caller.within(Action::ChangeMembers, organisation).await?;
    let missing = || Problem::not_found(format!("there is no application {id}"));
    let number = id.parse().map_err(|_| missing())?;
    let application = caller.directory.application(tenant, ApplicationId(number)).await?;
    match reaches(caller, Action::ChangeMembers, tenant, &application).await {
        Err(_) => Err(missing()),
        Ok(()) => Ok(application),
    }
}

/// Takes someone in who waits.
#[utoipa::path(post, path = "/api/applications/{id}/accept", params(("id" = u32, Path), Whose), request_body = Accept, responses((status = 201, body = Member), Failure))]
pub(crate) async fn accept(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Whose>,
    Body(asked): Body<Accept>,
) -> Result<Tagged<Member>> {
    let application = find(&caller, &id, query.organisation.as_deref()).await?;
    let address = match &asked.address {
        Some(address) => parse_address(address)?,
        None => application.address.clone(),
    };
    let departments = asked
        .departments
        .unwrap_or_else(|| application.department.into_iter().collect());
    match departments.is_empty() {
        true => caller.within_whole(Action::ChangeMembers, application.tenant)?,
        false => check_departments(&caller, Action::ChangeMembers, application.tenant, &departments).await?,
    }
    let account = caller
        .directory
        .accept_application(&application, &address, departments)
        .await?;
    tracing::info!(account = account.id.0, "application accepted");
    Ok(Tagged::created(account.etag(), view_member(&account)))
}

/// Turns someone away who waits.
#[utoipa::path(post, path = "/api/applications/{id}/refuse", params(("id" = u32, Path), Whose), request_body = Refuse, responses((status = 204), Failure))]
pub(crate) async fn refuse(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Whose>,
    Body(asked): Body<Refuse>,
) -> Result<StatusCode> {
    let application = find(&caller, &id, query.organisation.as_deref()).await?;
    caller.directory.refuse_application(&application, &asked.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
