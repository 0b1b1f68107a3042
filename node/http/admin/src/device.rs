//! /api/members/{address}/devices: browsers that need not show the second factor.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// A trusted device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Device {
    id: String,
    name: String,
    /// From where it was used last.
    peer: String,
    created_millis: i64,
    /// When it was used last to sign in.
    seen_millis: i64,
    end_millis: i64,
}

/// The trusted devices of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Devices {
    items: Vec<Device>,
}

/// The trusted devices of a member, the one used last at the end. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/devices", params(("address" = String, Path)), responses((status = 200, body = Devices), Failure))]
pub(crate) async fn list(caller: Caller, Path(address): Path<String>) -> Result<Json<Devices>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let found = caller.access.trusted_devices(account.id).await?;
    let view = |device: hongyan_access::TrustedDevice| Device {
        id: format!("{:016x}", device.id),
        name: device.name,
        peer: device.peer,
        created_millis: device.created.millis,
        seen_millis: device.seen.millis,
        end_millis: device.end.millis,
    };
    Ok(Json(Devices {
        items: found.into_iter().map(view).collect(),
    }))
}

/// Trusts no device of a member any more.
#[utoipa::path(delete, path = "/api/members/{address}/devices", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_all(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    caller.access.distrust(&caller.directory, &account, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Trusts a device no more.
#[utoipa::path(delete, path = "/api/members/{address}/devices/{id}", params(("address" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    let number = u64::from_str_radix(&id, 16).ok().filter(|_| id.len() == 16);
    let number = number.ok_or_else(|| Problem::invalid(format!("{id}: a device is named by 16 hexadecimal digits")))?;
    caller
        .access
        .distrust(&caller.directory, &account, Some(number))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
