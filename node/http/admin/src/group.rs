//! /api/groups

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object, Refusal, permit};
use hongyan_directory::{Error, GroupId, GroupRecord, NewGroup};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::{Caller, parse_address as parse};
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

/// An address that many get mail for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Group {
    id: u64,
    address: String,
    display_name: String,
    members: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    address: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddMember {
    address: String,
}

fn view(group: &GroupRecord) -> Group {
    Group {
        id: group.id.0,
        address: group.address.to_string(),
        display_name: group.display_name.clone(),
        members: group.members,
    }
}

/// The groups of an organisation.
#[utoipa::path(get, path = "/api/groups", params(PageQuery), responses((status = 200, body = Page<Group>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<Group>>> {
    let (owner, _) = caller.within(Action::ReadGroups, query.organisation.as_deref()).await?;
    let after = match &query.after {
        Some(after) => Some(GroupId(
            after.parse().map_err(|_| Problem::invalid("after is not a number"))?,
        )),
        None => None,
    };
    let groups = caller.directory.groups(owner, after, query.limit()).await?;
    let groups = groups.iter().map(view).collect();
    Ok(Json(Page::new(groups, query.limit(), |group: &Group| {
        group.id.to_string()
    })))
}

/// Makes a group with its first members.
#[utoipa::path(post, path = "/api/groups", request_body = Create, responses((status = 201, body = Group), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<(StatusCode, Json<Group>)> {
    let members = new.members.iter().map(|member| parse(member)).collect::<Result<_>>()?;
    let address = parse(&new.address)?;
    let owner = caller.directory.domain(&address.domain).await?.tenant;
    match permit(&caller.actor, Action::ChangeGroups, &Object::organisation(owner)) {
        Err(Refusal::Hidden) => {
            let name = address.domain.to_string();
            return Err(Error::NotFound { what: "domain", name }.into());
        }
        permitted => permitted?,
    };
    let new = NewGroup {
        address,
        display_name: new.display_name,
        members,
    };
    let group = caller.directory.create_group(&new).await?;
    Ok((StatusCode::CREATED, Json(view(&group))))
}

/// A group.
#[utoipa::path(get, path = "/api/groups/{address}", params(("address" = String, Path)), responses((status = 200, body = Group), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<Group>> {
    let group = caller.group(Action::ReadGroups, &parse(&address)?).await?;
    Ok(Json(view(&group)))
}

/// Removes a group.
#[utoipa::path(delete, path = "/api/groups/{address}", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let address = parse(&address)?;
    caller.group(Action::ChangeGroups, &address).await?;
    caller.directory.delete_group(&address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A group's direct members: accounts, other groups, addresses elsewhere.
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
) -> Result<Json<Group>> {
    let address = parse(&address)?;
    caller.group(Action::ChangeGroups, &address).await?;
    let group = caller.directory.add_member(&address, &parse(&new.address)?).await?;
    Ok(Json(view(&group)))
}

/// Removes a member.
#[utoipa::path(delete, path = "/api/groups/{address}/members/{member}", params(("address" = String, Path), ("member" = String, Path)), responses((status = 200, body = Group), Failure))]
pub(crate) async fn remove_member(
    caller: Caller,
    Path((address, member)): Path<(String, String)>,
) -> Result<Json<Group>> {
    let address = parse(&address)?;
    caller.group(Action::ChangeGroups, &address).await?;
    let group = caller.directory.remove_member(&address, &parse(&member)?).await?;
    Ok(Json(view(&group)))
}
