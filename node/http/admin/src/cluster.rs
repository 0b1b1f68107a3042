//! /api/cluster

mod control;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_audit::Event;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use control::{ClusterControl, ControlError, ControlResult};
pub use view::{
    BackupView, ClusterView, Invitation, NodeChange, NodeView, PartitionsView, SettingView, StoreView, VotersView,
};

use crate::AdminState;
use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// How long a join token lasts when nothing is asked for.
const INVITATION_SECS_DEFAULT: u64 = 3600;
/// And at most: a token is a key to the house.
const INVITATION_SECS_MAX: u64 = 7 * 24 * 3600;

pub(crate) fn routes() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(backup, start_backup, stop_backup))
        .routes(routes!(invite))
        .routes(routes!(change_node))
        .routes(routes!(act))
        .routes(routes!(rebalance))
        .routes(routes!(settings))
        .routes(routes!(setting, set, clear))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    lifetime_secs: Option<u64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewValue {
    value: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBackup {
    /// A folder that all machines see, or an address.
    to: String,
}

fn control(caller: &Caller) -> Result<&Arc<dyn ClusterControl>> {
    caller.permit_operator(Action::ManageCluster)?;
    caller.cluster.as_ref().ok_or_else(Problem::no_cluster)
}

fn node_id(text: &str) -> Result<u64> {
    text.parse().map_err(|_| {
        Problem::invalid(format!(
            "{text}: a node is named by its number, see `hongyan cluster status`"
        ))
    })
}

/// The cluster as the asked node sees it.
#[utoipa::path(get, path = "/api/cluster", responses((status = 200, body = ClusterView), Failure))]
async fn status(caller: Caller) -> Result<Json<ClusterView>> {
    Ok(Json(control(&caller)?.status().await?))
}

/// Lets a node join.
#[utoipa::path(post, path = "/api/cluster/invitations", request_body = NewInvitation, responses((status = 201, body = Invitation), Failure))]
async fn invite(caller: Caller, Body(new): Body<NewInvitation>) -> Result<(StatusCode, Json<Invitation>)> {
    let cluster = control(&caller)?;
    let secs = new.lifetime_secs.unwrap_or(INVITATION_SECS_DEFAULT);
    if !(1..=INVITATION_SECS_MAX).contains(&secs) {
        return Err(Problem::invalid(format!(
            "a join token lasts 1 to {INVITATION_SECS_MAX} seconds"
        )));
    }
    caller.record(Event::new("cluster.invite", secs)).await?;
    let invitation = cluster.invite(Duration::from_secs(secs)).await?;
    tracing::info!(secs, "a node may join the cluster");
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Tells a node to `drain`, `resume` or `leave`.
#[utoipa::path(post, path = "/api/cluster/nodes/{id}/{action}", params(("id" = u64, Path), ("action" = String, Path)), responses((status = 200, body = NodeView), Failure))]
async fn act(caller: Caller, Path((id, action)): Path<(String, String)>) -> Result<Json<NodeView>> {
    let cluster = control(&caller)?;
    let node = node_id(&id)?;
    let told = match action.as_str() {
        "drain" => "cluster.drain",
        "resume" => "cluster.resume",
        "leave" => "cluster.leave",
        _ => return Err(Problem::not_found("a node can be told to drain, resume or leave")),
    };
    caller.record(Event::new(told, node)).await?;
    let view = match action.as_str() {
        "drain" => cluster.drain(node).await?,
        "resume" => cluster.resume(node).await?,
        _ => cluster.leave(node).await?,
    };
    tracing::info!(node, action, "cluster node told");
    Ok(Json(view))
}

/// Changes where a node stands and how much it bears.
#[utoipa::path(patch, path = "/api/cluster/nodes/{id}", params(("id" = u64, Path)), request_body = NodeChange, responses((status = 200, body = NodeView), Failure))]
async fn change_node(caller: Caller, Path(id): Path<String>, Body(change): Body<NodeChange>) -> Result<Json<NodeView>> {
    let cluster = control(&caller)?;
    let node = node_id(&id)?;
    caller.record(Event::new("cluster.change-node", node)).await?;
    Ok(Json(cluster.change_node(node, change).await?))
}

/// Moves partitions to where they belong, now.
#[utoipa::path(post, path = "/api/cluster/rebalance", responses((status = 200, body = PartitionsView), Failure))]
async fn rebalance(caller: Caller) -> Result<Json<PartitionsView>> {
    let cluster = control(&caller)?;
    caller.record(Event::new("cluster.rebalance", "")).await?;
    Ok(Json(cluster.rebalance().await?))
}

/// The settings of the whole cluster.
#[utoipa::path(get, path = "/api/cluster/settings", responses((status = 200, body = Vec<SettingView>), Failure))]
async fn settings(caller: Caller) -> Result<Json<Vec<SettingView>>> {
    Ok(Json(control(&caller)?.settings().await?))
}

/// One setting.
#[utoipa::path(get, path = "/api/cluster/settings/{key}", params(("key" = String, Path)), responses((status = 200, body = SettingView), Failure))]
async fn setting(caller: Caller, Path(key): Path<String>) -> Result<Json<SettingView>> {
    let settings = control(&caller)?.settings().await?;
    let known = settings.into_iter().find(|setting| setting.key == key);
    known
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("the cluster has no setting {key}")))
}

/// Sets one.
#[utoipa::path(put, path = "/api/cluster/settings/{key}", params(("key" = String, Path)), request_body = NewValue, responses((status = 200, body = SettingView), Failure))]
async fn set(caller: Caller, Path(key): Path<String>, Body(new): Body<NewValue>) -> Result<Json<SettingView>> {
    let cluster = control(&caller)?;
    caller
        .record(Event::new("cluster.set", &key).with("value", &new.value))
        .await?;
    let view = cluster.set(key, Some(new.value)).await?;
    tracing::info!(setting = view.key, value = view.value, "cluster setting set");
    Ok(Json(view))
}

/// Goes back to a setting's default.
#[utoipa::path(delete, path = "/api/cluster/settings/{key}", params(("key" = String, Path)), responses((status = 200, body = SettingView), Failure))]
async fn clear(caller: Caller, Path(key): Path<String>) -> Result<Json<SettingView>> {
    let cluster = control(&caller)?;
    caller.record(Event::new("cluster.clear", &key)).await?;
    let view = cluster.set(key, None).await?;
    tracing::info!(setting = view.key, value = view.value, "cluster setting cleared");
    Ok(Json(view))
}

/// How the data store's backup is.
#[utoipa::path(get, path = "/api/cluster/backup", responses((status = 200, body = BackupView), Failure))]
async fn backup(caller: Caller) -> Result<Json<BackupView>> {
    Ok(Json(control(&caller)?.backup().await?))
}

/// Begins to back the data store up, continuously.
#[utoipa::path(post, path = "/api/cluster/backup", request_body = NewBackup, responses((status = 201, body = BackupView), Failure))]
async fn start_backup(caller: Caller, Body(new): Body<NewBackup>) -> Result<(StatusCode, Json<BackupView>)> {
    let cluster = control(&caller)?;
    caller.record(Event::new("cluster.start-backup", &new.to)).await?;
    let view = cluster.start_backup(new.to).await?;
    tracing::info!(to = view.to, "the data store is backed up");
    Ok((StatusCode::CREATED, Json(view)))
}

/// Lets the backup end with what is committed by now.
#[utoipa::path(delete, path = "/api/cluster/backup", responses((status = 200, body = BackupView), Failure))]
async fn stop_backup(caller: Caller) -> Result<Json<BackupView>> {
    let cluster = control(&caller)?;
    caller.record(Event::new("cluster.stop-backup", "")).await?;
    let view = cluster.stop_backup().await?;
    tracing::info!("the data store's backup ends");
    Ok(Json(view))
}
