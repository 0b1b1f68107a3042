//! /api/members/{address}/passkeys: what a member signs in with in place of a password. They are made at /api/session.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::PasskeyView;
use hongyan_access::permission::Action;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passkey {
    id: u32,
    name: String,
    /// Whether its device asked for a PIN, a finger or a face: then it signs in without a password.
    verifies: bool,
    /// Whether its maker may copy it to other devices of its owner.
    synced: bool,
    created_millis: i64,
    last_used_millis: Option<i64>,
    /// From where it was used last.
    last_used_peer: Option<String>,
}

/// The passkeys of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passkeys {
    items: Vec<Passkey>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    /// 1 to 64 characters.
    name: String,
}

fn view(found: PasskeyView) -> Passkey {
    let passkey = found.passkey;
    Passkey {
        id: passkey.id,
        name: passkey.name,
        verifies: passkey.is_verifying,
        synced: passkey.is_synced,
        created_millis: passkey.created.millis,
        last_used_millis: found.used.map(|at| at.millis),
        last_used_peer: Some(found.peer).filter(|peer| !peer.is_empty()),
    }
}

fn number(id: &str) -> Result<u32> {
    let number = id.parse();
    number.map_err(|_| Problem::invalid(format!("{id}: a passkey is named by its number")))
}

/// The passkeys of a member, the oldest first. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/passkeys", params(("address" = String, Path)), responses((status = 200, body = Passkeys), Failure))]
pub(crate) async fn list(caller: Caller, Path(address): Path<String>) -> Result<Json<Passkeys>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let found = caller.access.passkeys(account.id).await?;
    Ok(Json(Passkeys {
        items: found.into_iter().map(view).collect(),
    }))
}

/// Calls a passkey something else: only its owner may.
#[utoipa::path(patch, path = "/api/members/{address}/passkeys/{id}", params(("address" = String, Path), ("id" = u32, Path)), request_body = Rename, responses((status = 204), Failure))]
pub(crate) async fn rename(
    caller: Caller,
    Path((address, id)): Path<(String, String)>,
    Body(change): Body<Rename>,
) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ChangeFactors, &address).await?;
    caller
        .access
        .rename_passkey(&caller.directory, account.id, number(&id)?, &change.name)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a passkey back. With the last second factor the recovery codes go. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/members/{address}/passkeys/{id}", params(("address" = String, Path), ("id" = u32, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    caller.check_proof()?;
    caller
        .access
        .remove_passkey(&caller.directory, account.id, number(&id)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
