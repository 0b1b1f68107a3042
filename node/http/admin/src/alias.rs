//! /api/accounts/{address}/aliases

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::AdminState;
use crate::account::{self, Account};
use crate::body::Body;
use crate::problem::Result;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    address: String,
}

pub(crate) async fn list(State(state): State<AdminState>, Path(address): Path<String>) -> Result<Json<Vec<String>>> {
    let account = account::at(&state, &address).await?;
    Ok(Json(account.aliases.iter().map(ToString::to_string).collect()))
}

pub(crate) async fn add(
    State(state): State<AdminState>,
    Path(address): Path<String>,
    Body(new): Body<Add>,
) -> Result<(StatusCode, Json<Account>)> {
    let id = account::at(&state, &address).await?.id;
    let changed = state.directory.add_alias(id, &account::parse(&new.address)?).await?;
    Ok((StatusCode::CREATED, Json(account::view(&changed))))
}

pub(crate) async fn remove(
    State(state): State<AdminState>,
    Path((address, alias)): Path<(String, String)>,
) -> Result<Json<Account>> {
    let id = account::at(&state, &address).await?.id;
    let changed = state.directory.remove_alias(id, &account::parse(&alias)?).await?;
    Ok(Json(account::view(&changed)))
}
