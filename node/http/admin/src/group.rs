//! /api/groups

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hongyan_directory::{GroupId, GroupRecord, NewGroup};
use serde::{Deserialize, Serialize};

use crate::account::parse;
use crate::body::{Asked, Body};
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, Result};
use crate::{AdminState, tenant};

#[derive(Debug, Serialize)]
pub(crate) struct Group {
    id: u64,
    address: String,
    display_name: String,
    members: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    address: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    members: Vec<String>,
}

#[derive(Debug, Deserialize)]
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

pub(crate) async fn list(State(state): State<AdminState>, Asked(query): Asked<PageQuery>) -> Result<Json<Page<Group>>> {
    let owner = tenant::of(&state, query.tenant.as_deref()).await?;
    let after = match &query.after {
        Some(after) => Some(GroupId(
            after.parse().map_err(|_| Problem::invalid("after is not a number"))?,
        )),
        None => None,
    };
    let groups = state.directory.groups(owner, after, query.limit()).await?;
    let groups = groups.iter().map(view).collect();
    Ok(Json(Page::new(groups, query.limit(), |group: &Group| {
        group.id.to_string()
    })))
}

pub(crate) async fn create(
    State(state): State<AdminState>,
    Body(new): Body<Create>,
) -> Result<(StatusCode, Json<Group>)> {
    let members = new.members.iter().map(|member| parse(member)).collect::<Result<_>>()?;
    let new = NewGroup {
        address: parse(&new.address)?,
        display_name: new.display_name,
        members,
    };
    let group = state.directory.create_group(&new).await?;
    Ok((StatusCode::CREATED, Json(view(&group))))
}

pub(crate) async fn show(State(state): State<AdminState>, Path(address): Path<String>) -> Result<Json<Group>> {
    let group = state.directory.group_at(&parse(&address)?).await?;
    Ok(Json(view(&group)))
}

pub(crate) async fn delete(State(state): State<AdminState>, Path(address): Path<String>) -> Result<StatusCode> {
    state.directory.delete_group(&parse(&address)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn members(
    State(state): State<AdminState>,
    Path(address): Path<String>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<String>>> {
    let group = state.directory.group_at(&parse(&address)?).await?;
    let after = query.after.as_deref().map(parse).transpose()?;
    let members = state.directory.members(group.id, after, query.limit()).await?;
    let members = members.iter().map(ToString::to_string).collect();
    Ok(Json(Page::new(members, query.limit(), String::clone)))
}

pub(crate) async fn add_member(
    State(state): State<AdminState>,
    Path(address): Path<String>,
    Body(new): Body<AddMember>,
) -> Result<Json<Group>> {
    let group = state
        .directory
        .add_member(&parse(&address)?, &parse(&new.address)?)
        .await?;
    Ok(Json(view(&group)))
}

pub(crate) async fn remove_member(
    State(state): State<AdminState>,
    Path((address, member)): Path<(String, String)>,
) -> Result<Json<Group>> {
    let group = state
        .directory
        .remove_member(&parse(&address)?, &parse(&member)?)
        .await?;
    Ok(Json(view(&group)))
}
