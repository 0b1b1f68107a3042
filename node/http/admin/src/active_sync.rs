//! /api/members/{address}/active-sync-devices: phones that sync over ActiveSync (ACC-4).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_http_activesync as active_sync;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// A phone, by what it says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveSyncDevice {
    id: String,
    kind: String,
    user_agent: String,
    model: String,
    os: String,
    friendly_name: String,
    /// The protocol version that it spoke last.
    version: String,
    first_seen_millis: i64,
    /// To the hour.
    last_seen_millis: i64,
    /// How far the removal of the account is: `none`, `asked`, `told`, `done`.
    wipe: &'static str,
}

/// The phones of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveSyncDevices {
    items: Vec<ActiveSyncDevice>,
}

fn view(device: active_sync::Device) -> ActiveSyncDevice {
    ActiveSyncDevice {
        id: device.id,
        kind: device.kind,
        user_agent: device.user_agent,
        model: device.model,
        os: device.os,
        friendly_name: device.friendly_name,
        version: device.version,
        first_seen_millis: device.first_seen.millis,
        last_seen_millis: device.last_seen.millis,
        wipe: device.wipe.label(),
    }
}

/// The phones of a member. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/active-sync-devices", params(("address" = String, Path)), responses((status = 200, body = ActiveSyncDevices), Failure))]
pub(crate) async fn list(caller: Caller, Path(address): Path<String>) -> Result<Json<ActiveSyncDevices>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let found = active_sync::Devices::new(&caller.directory).list(account.id).await;
    let found = found.map_err(|error| Problem::from(hongyan_directory::Error::from(error)))?;
    Ok(Json(ActiveSyncDevices {
        items: found.into_iter().map(view).collect(),
    }))
}

/// Forgets a phone of a member: it is a new one when it comes again.
#[utoipa::path(delete, path = "/api/members/{address}/active-sync-devices/{id}", params(("address" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    let devices = active_sync::Devices::new(&caller.directory);
    devices.remove(&account, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has the account removed from a phone, never anything else on it; one that knows no such thing is not served any more.
#[utoipa::path(put, path = "/api/members/{address}/active-sync-devices/{id}/wipe", params(("address" = String, Path), ("id" = String, Path)), responses((status = 200, body = ActiveSyncDevice), Failure))]
pub(crate) async fn wipe(
    caller: Caller,
    Path((address, id)): Path<(String, String)>,
) -> Result<Json<ActiveSyncDevice>> {
    set_wipe(&caller, &address, &id, true).await
}

/// Takes that back: the phone is served again.
#[utoipa::path(delete, path = "/api/members/{address}/active-sync-devices/{id}/wipe", params(("address" = String, Path), ("id" = String, Path)), responses((status = 200, body = ActiveSyncDevice), Failure))]
pub(crate) async fn keep(
    caller: Caller,
    Path((address, id)): Path<(String, String)>,
) -> Result<Json<ActiveSyncDevice>> {
    set_wipe(&caller, &address, &id, false).await
}

async fn set_wipe(caller: &Caller, address: &str, id: &str, wanted: bool) -> Result<Json<ActiveSyncDevice>> {
    let account = caller.member_or_me(Action::ResetFactors, address).await?;
    let devices = active_sync::Devices::new(&caller.directory);
    Ok(Json(view(devices.set_wipe(&account, id, wanted).await?)))
}
