//! A group's members by address.

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Group, view};
use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address as parse};
use crate::conditional::Tagged;
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Result};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddMember {
    address: String,
}

/// A group's direct members by address: accounts, other groups, people elsewhere.
#[utoipa::path(get, path = "/api/groups/{address}/members", params(("address" = String, Path), PageQuery), responses((status = 200, body = Page<String>), Failure))]
pub(crate) async fn members(
    caller: Caller,
    Path(address): Path<String>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<String>>> {
    let group = caller.group(Action::ReadGroups, &parse(&address)?).await?;
    let after = query.after.as_deref().map(parse).transpose()?;
    let members = caller.directory.members(group.id, after, query.limit()).await?;
    let members = members.iter().map(ToString::to_string).collect();
    Ok(Json(Page::new(members, query.limit(), String::clone)))
}

/// Adds a member.
#[utoipa::path(post, path = "/api/groups/{address}/members", params(("address" = String, Path)), request_body = AddMember, responses((status = 200, body = Group), Failure))]
pub(crate) async fn add_member(
    caller: Caller,
    Path(address): Path<String>,
    Body(new): Body<AddMember>,
) -> Result<Tagged<Group>> {
    let address = parse(&address)?;
    caller.group(Action::ChangeGroups, &address).await?;
    let group = caller.directory.add_member(&address, &parse(&new.address)?).await?;
    Ok(Tagged::new(group.etag(), view(&caller, &group).await?))
}

/// Removes a member.
#[utoipa::path(delete, path = "/api/groups/{address}/members/{member}", params(("address" = String, Path), ("member" = String, Path)), responses((status = 200, body = Group), Failure))]
pub(crate) async fn remove_member(
    caller: Caller,
    Path((address, member)): Path<(String, String)>,
) -> Result<Tagged<Group>> {
    let address = parse(&address)?;
    caller.group(Action::ChangeGroups, &address).await?;
    let group = caller.directory.remove_member(&address, &parse(&member)?).await?;
    Ok(Tagged::new(group.etag(), view(&caller, &group).await?))
}
