//! /api/departments

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object, Reach};
use hongyan_directory::{DepartmentChange, DepartmentId, DepartmentRecord, DepartmentView, Error, NewDepartment};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};

/// Part of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Department {
    id: DepartmentId,
    name: String,
    /// What it is part of; 0 is the organisation itself.
    parent: DepartmentId,
    /// Its place among its siblings: smaller ones come first, equal ones by name.
    rank: i32,
    /// Departments directly below it.
    children: usize,
    /// Members that belong to it.
    members: usize,
    /// Members that belong to it or to a department below it.
    members_deep: usize,
    created_millis: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDepartment)]
pub(crate) struct Create {
    name: String,
    /// What it is to be part of; 0 is the organisation itself.
    #[serde(default)]
    parent: DepartmentId,
    #[serde(default)]
    rank: i32,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DepartmentChange)]
pub(crate) struct Change {
    name: Option<String>,
    /// Moves it with all below it; needs `If-Match`, so that of two who move it one is told.
    parent: Option<DepartmentId>,
    rank: Option<i32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// Only those directly below this one; 0 for the top level. Without it all, each after what it is part of.
    parent: Option<DepartmentId>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    organisation: Option<String>,
    /// Where its members go; 0 is the organisation itself. Needed when there are members.
    members_to: Option<DepartmentId>,
}

/// The departments of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Departments {
    items: Vec<Department>,
}

fn view(view: DepartmentView) -> Department {
    let DepartmentRecord {
        id,
        name,
        parent,
        rank,
        created,
        ..
    } = view.department;
    Department {
        id,
        name,
        parent,
        rank,
        children: view.children,
        members: view.members,
        members_deep: view.members_deep,
        created_millis: created.millis,
    }
}

/// The department, to do `action` to it or, for a change, below it.
async fn permit(caller: &Caller, action: Action, tenant: TenantId, id: DepartmentId) -> Result<()> {
    let places = caller.directory.with_all_above(tenant, &[id]).await?;
    caller.permit(action, &Object::one(tenant, &places)).map(|_| ())
}

async fn show_one(caller: &Caller, tenant: TenantId, record: &DepartmentRecord) -> Result<Department> {
    let siblings = caller.directory.departments_below(tenant, record.parent).await?;
    let found = siblings.into_iter().find(|view| view.department.id == record.id);
    let missing = || Error::NotFound {
        what: "department",
        name: record.id.to_string(),
    };
    Ok(view(found.ok_or_else(missing)?))
}

/// Departments with the numbers of their members.
#[utoipa::path(get, path = "/api/departments", params(Query), responses((status = 200, body = Departments), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Departments>> {
    let (tenant, reach) = caller
        .within(Action::ReadStructure, query.organisation.as_deref())
        .await?;
    let found = match query.parent {
        Some(parent) => caller.directory.departments_below(tenant, parent).await?,
        None => caller.directory.departments(tenant).await?,
    };
    let mut items = Vec::new();
    for found in found {
        if let Reach::Departments(within) = &reach
            && !caller.directory.is_within(tenant, found.department.id, within).await?
        {
            continue;
        }
        items.push(view(found));
    }
    Ok(Json(Departments { items }))
}

/// Makes a department.
#[utoipa::path(post, path = "/api/departments", request_body = Create, responses((status = 201, body = Department), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Tagged<Department>> {
    let tenant = caller.organisation(new.organisation.as_deref()).await?;
    permit(&caller, Action::ChangeDepartments, tenant, new.parent).await?;
    let new = NewDepartment {
        name: new.name,
        parent: new.parent,
        rank: new.rank,
    };
    let record = caller.directory.create_department(tenant, &new).await?;
    let shown = show_one(&caller, tenant, &record).await?;
    Ok(Tagged::created(record.etag(), shown))
}

/// A department.
#[utoipa::path(get, path = "/api/departments/{id}", params(("id" = u32, Path), Whose), responses((status = 200, body = Department), Failure))]
pub(crate) async fn show(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Whose>,
) -> Result<Tagged<Department>> {
    let id = parse(&id)?;
    let tenant = caller.organisation(query.organisation.as_deref()).await?;
    permit(&caller, Action::ReadStructure, tenant, id).await?;
    let record = caller.directory.department(tenant, id).await?;
    let shown = show_one(&caller, tenant, &record).await?;
    Ok(Tagged::new(record.etag(), shown))
}

/// Renames, ranks or moves a department.
#[utoipa::path(patch, path = "/api/departments/{id}", params(("id" = u32, Path), Whose), request_body = Change, responses((status = 200, body = Department), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Whose>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<Department>> {
    let id = parse(&id)?;
    let tenant = caller.organisation(query.organisation.as_deref()).await?;
    permit(&caller, Action::ChangeDepartments, tenant, id).await?;
    if let Some(parent) = change.parent {
        permit(&caller, Action::ChangeDepartments, tenant, parent).await?;
        if expect.is_none() {
            return Err(Problem::needs_precondition());
        }
    }
    let change = DepartmentChange {
        name: change.name.into(),
        parent: change.parent.into(),
        rank: change.rank.into(),
        expect,
    };
    let outcome = caller.directory.change_department(tenant, id, &change).await;
    let record = with_present(outcome, async {
        let record = caller.directory.department(tenant, id).await?;
        show_one(&caller, tenant, &record).await
    })
    .await?;
    let shown = show_one(&caller, tenant, &record).await?;
    Ok(Tagged::new(record.etag(), shown))
}

/// Removes a department that has nothing below it.
#[utoipa::path(delete, path = "/api/departments/{id}", params(("id" = u32, Path), DeleteQuery), responses((status = 204), Failure))]
pub(crate) async fn delete(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<DeleteQuery>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode> {
    let id = parse(&id)?;
    let tenant = caller.organisation(query.organisation.as_deref()).await?;
    permit(&caller, Action::ChangeDepartments, tenant, id).await?;
    if let Some(to) = query.members_to {
        permit(&caller, Action::ChangeDepartments, tenant, to).await?;
    }
    let outcome = caller
        .directory
        .delete_department(tenant, id, query.members_to, expect)
        .await;
    with_present(outcome, async {
        let record = caller.directory.department(tenant, id).await?;
        show_one(&caller, tenant, &record).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(id: &str) -> Result<DepartmentId> {
    let id = id
        .parse()
        .map_err(|_| Problem::invalid(format!("{id}: a department is named by its number")))?;
    Ok(DepartmentId(id))
}
