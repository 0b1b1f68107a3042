//! /api/members/{address}/aliases

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Caller, parse_address};
use crate::conditional::Tagged;
use crate::member::{self, Member};
use crate::problem::{Failure, Result};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    address: String,
}

/// A member's further addresses.
#[utoipa::path(get, path = "/api/members/{address}/aliases", params(("address" = String, Path)), responses((status = 200, body = Vec<String>), Failure))]
pub(crate) async fn list(caller: Caller, Path(address): Path<String>) -> Result<Json<Vec<String>>> {
    let account = caller.member(Action::ReadMembers, &address).await?;
    Ok(Json(account.aliases.iter().map(ToString::to_string).collect()))
}

/// Gives a member one more address.
#[utoipa::path(post, path = "/api/members/{address}/aliases", params(("address" = String, Path)), request_body = Add, responses((status = 201, body = Member), Failure))]
pub(crate) async fn add(caller: Caller, Path(address): Path<String>, Body(new): Body<Add>) -> Result<Tagged<Member>> {
    let id = caller.member(Action::ChangeMembers, &address).await?.id;
    let changed = caller.directory.add_alias(id, &parse_address(&new.address)?).await?;
    Ok(Tagged::created(changed.etag(), member::view(&changed)))
}

/// Takes an address away.
#[utoipa::path(delete, path = "/api/members/{address}/aliases/{alias}", params(("address" = String, Path), ("alias" = String, Path)), responses((status = 200, body = Member), Failure))]
pub(crate) async fn remove(caller: Caller, Path((address, alias)): Path<(String, String)>) -> Result<Tagged<Member>> {
    let id = caller.member(Action::ChangeMembers, &address).await?.id;
    let changed = caller.directory.remove_alias(id, &parse_address(&alias)?).await?;
    Ok(Tagged::new(changed.etag(), member::view(&changed)))
}
