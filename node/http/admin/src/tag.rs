//! /api/tags

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_directory::{DepartmentId, MemberQuery, NewTag, TagChange, TagId, TagRecord};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};

/// What members and departments have in common.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tag {
    id: TagId,
    name: String,
    /// Departments that bear it, with all below them.
    departments: Vec<DepartmentId>,
    /// Members that bear it, themselves or by a department.
    members: usize,
    created_millis: i64,
}

/// The tags of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tags {
    items: Vec<Tag>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTag)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    departments: Vec<DepartmentId>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TagChange)]
pub(crate) struct Change {
    name: Option<String>,
    departments: Option<Vec<DepartmentId>>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Whose, by name; needed only from operators of several organisations.
    pub(crate) organisation: Option<String>,
}

fn parse(id: &str) -> Result<TagId> {
    let id = id
        .parse()
        .map_err(|_| Problem::invalid(format!("{id}: a tag is named by its number")))?;
    Ok(TagId(id))
}

async fn view(caller: &Caller, tenant: TenantId, record: TagRecord) -> Result<Tag> {
    let bearing = MemberQuery {
        tag: Some(record.id),
        ..MemberQuery::default()
    };
    Ok(Tag {
        id: record.id,
        members: caller.directory.count_members(tenant, &bearing).await?,
        name: record.name,
        departments: record.departments,
        created_millis: record.created.millis,
    })
}

/// All tags.
#[utoipa::path(get, path = "/api/tags", params(Whose), responses((status = 200, body = Tags), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Whose>) -> Result<Json<Tags>> {
    let (tenant, _) = caller
        .within(Action::ReadStructure, query.organisation.as_deref())
        .await?;
    let mut items = Vec::new();
    for record in caller.directory.tags(tenant).await? {
        items.push(view(&caller, tenant, record).await?);
    }
    Ok(Json(Tags { items }))
}

/// Makes a tag.
#[utoipa::path(post, path = "/api/tags", request_body = Create, responses((status = 201, body = Tag), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Tagged<Tag>> {
    let (tenant, _) = caller.within(Action::ChangeTags, new.organisation.as_deref()).await?;
    let new = NewTag {
        name: new.name,
        departments: new.departments,
    };
    let record = caller.directory.create_tag(tenant, &new).await?;
    Ok(Tagged::created(record.etag(), view(&caller, tenant, record).await?))
}

/// A tag.
#[utoipa::path(get, path = "/api/tags/{id}", params(("id" = u32, Path), Whose), responses((status = 200, body = Tag), Failure))]
pub(crate) async fn show(caller: Caller, Path(id): Path<String>, Asked(query): Asked<Whose>) -> Result<Tagged<Tag>> {
    let (tenant, _) = caller
        .within(Action::ReadStructure, query.organisation.as_deref())
        .await?;
    let record = caller.directory.tag(tenant, parse(&id)?).await?;
    Ok(Tagged::new(record.etag(), view(&caller, tenant, record).await?))
}

/// Changes a tag.
#[utoipa::path(patch, path = "/api/tags/{id}", params(("id" = u32, Path), Whose), request_body = Change, responses((status = 200, body = Tag), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Whose>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<Tag>> {
    let (tenant, _) = caller.within(Action::ChangeTags, query.organisation.as_deref()).await?;
    let id = parse(&id)?;
    let change = TagChange {
        name: change.name.into(),
        departments: change.departments.into(),
        expect,
    };
    let outcome = caller.directory.change_tag(tenant, id, &change).await;
    let record = with_present(outcome, async {
        view(&caller, tenant, caller.directory.tag(tenant, id).await?).await
    })
    .await?;
    Ok(Tagged::new(record.etag(), view(&caller, tenant, record).await?))
}

/// Removes a tag; who bore it no longer does.
#[utoipa::path(delete, path = "/api/tags/{id}", params(("id" = u32, Path), Whose), responses((status = 204), Failure))]
pub(crate) async fn delete(
    caller: Caller,
    Path(id): Path<String>,
    Asked(query): Asked<Whose>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode> {
    let (tenant, _) = caller.within(Action::ChangeTags, query.organisation.as_deref()).await?;
    let id = parse(&id)?;
    let outcome = caller.directory.delete_tag(tenant, id, expect).await;
    with_present(outcome, async {
        view(&caller, tenant, caller.directory.tag(tenant, id).await?).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
