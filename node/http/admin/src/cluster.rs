//! /api/cluster

mod control;
mod view;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;

pub use control::{ClusterControl, ControlError, ControlResult};
pub use view::{BackupView, ClusterView, Invitation, NodeChange, NodeView, PartitionsView, SettingView, StoreView};

use crate::AdminState;
use crate::body::Body;
use crate::problem::{Problem, Result};

/// How long a join token lasts when nothing is asked for.
const INVITATION_SECS_DEFAULT: u64 = 3600;
/// And at most: a token is a key to the house.
const INVITATION_SECS_MAX: u64 = 7 * 24 * 3600;

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/api/cluster", get(status))
        .route(
            "/api/cluster/backup",
            get(backup).post(start_backup).delete(stop_backup),
        )
        .route("/api/cluster/invitations", post(invite))
        .route("/api/cluster/nodes/{id}", patch(change_node))
        .route("/api/cluster/nodes/{id}/{action}", post(act))
        .route("/api/cluster/rebalance", post(rebalance))
        .route("/api/cluster/settings", get(settings))
        .route("/api/cluster/settings/{key}", get(setting).put(set).delete(clear))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    lifetime_secs: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewValue {
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBackup {
    to: String,
}

fn control(state: &AdminState) -> Result<&Arc<dyn ClusterControl>> {
    state.cluster.as_ref().ok_or_else(Problem::no_cluster)
}

fn node_id(text: &str) -> Result<u64> {
    text.parse().map_err(|_| {
        Problem::invalid(format!(
            "{text}: a node is named by its number, see `hongyan cluster status`"
        ))
    })
}

async fn status(State(state): State<AdminState>) -> Result<Json<ClusterView>> {
    Ok(Json(control(&state)?.status().await?))
}

async fn invite(
    State(state): State<AdminState>,
    Body(new): Body<NewInvitation>,
) -> Result<(StatusCode, Json<Invitation>)> {
    let cluster = control(&state)?;
    let secs = new.lifetime_secs.unwrap_or(INVITATION_SECS_DEFAULT);
    if !(1..=INVITATION_SECS_MAX).contains(&secs) {
        return Err(Problem::invalid(format!(
            "a join token lasts 1 to {INVITATION_SECS_MAX} seconds"
        )));
    }
    let invitation = cluster.invite(Duration::from_secs(secs)).await?;
    tracing::info!(secs, "a node may join the cluster");
    Ok((StatusCode::CREATED, Json(invitation)))
}

async fn act(State(state): State<AdminState>, Path((id, action)): Path<(String, String)>) -> Result<Json<NodeView>> {
    let cluster = control(&state)?;
    let node = node_id(&id)?;
    let view = match action.as_str() {
        "drain" => cluster.drain(node).await?,
        "resume" => cluster.resume(node).await?,
        "leave" => cluster.leave(node).await?,
        _ => return Err(Problem::not_found("a node can be told to drain, resume or leave")),
    };
    tracing::info!(node, action, "cluster node told");
    Ok(Json(view))
}

async fn change_node(
    State(state): State<AdminState>,
    Path(id): Path<String>,
    Body(change): Body<NodeChange>,
) -> Result<Json<NodeView>> {
    let cluster = control(&state)?;
    Ok(Json(cluster.change_node(node_id(&id)?, change).await?))
}

async fn rebalance(State(state): State<AdminState>) -> Result<Json<PartitionsView>> {
    Ok(Json(control(&state)?.rebalance().await?))
}

async fn settings(State(state): State<AdminState>) -> Result<Json<Vec<SettingView>>> {
    Ok(Json(control(&state)?.settings().await?))
}

async fn setting(State(state): State<AdminState>, Path(key): Path<String>) -> Result<Json<SettingView>> {
    let settings = control(&state)?.settings().await?;
    let known = settings.into_iter().find(|setting| setting.key == key);
    known
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("the cluster has no setting {key}")))
}

async fn set(
    State(state): State<AdminState>,
    Path(key): Path<String>,
    Body(new): Body<NewValue>,
) -> Result<Json<SettingView>> {
    let view = control(&state)?.set(key, Some(new.value)).await?;
    tracing::info!(setting = view.key, value = view.value, "cluster setting set");
    Ok(Json(view))
}

async fn clear(State(state): State<AdminState>, Path(key): Path<String>) -> Result<Json<SettingView>> {
    let view = control(&state)?.set(key, None).await?;
    tracing::info!(setting = view.key, value = view.value, "cluster setting cleared");
    Ok(Json(view))
}

async fn backup(State(state): State<AdminState>) -> Result<Json<BackupView>> {
    Ok(Json(control(&state)?.backup().await?))
}

async fn start_backup(
    State(state): State<AdminState>,
    Body(new): Body<NewBackup>,
) -> Result<(StatusCode, Json<BackupView>)> {
    let view = control(&state)?.start_backup(new.to).await?;
    tracing::info!(to = view.to, "the data store is backed up");
    Ok((StatusCode::CREATED, Json(view)))
}

async fn stop_backup(State(state): State<AdminState>) -> Result<Json<BackupView>> {
    let view = control(&state)?.stop_backup().await?;
    tracing::info!("the data store's backup ends");
    Ok(Json(view))
}
