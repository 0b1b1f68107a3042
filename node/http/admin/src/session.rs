//! /api/sessions, /api/accounts/{address}/sessions

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hongyan_access::{SessionFilter, SessionId, SessionInfo};
use serde::{Deserialize, Serialize};

use crate::body::Asked;
use crate::page::{self, Page};
use crate::problem::{Problem, Result};
use crate::{AdminState, account, tenant};

#[derive(Debug, Serialize)]
pub(crate) struct Session {
    id: String,
    /// The node it is on; null where there is only one.
    node: Option<u64>,
    /// The account's address.
    account: String,
    protocol: &'static str,
    peer: String,
    /// What the client calls itself.
    client: String,
    since_millis: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    after: Option<String>,
    limit: Option<usize>,
    tenant: Option<String>,
    /// One of an account's addresses.
    account: Option<String>,
}

/// How many sessions were told to end.
#[derive(Debug, Serialize)]
pub(crate) struct Ended {
    sessions: usize,
    /// Nodes that did not answer; they end theirs when they are back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<u64>,
}

/// Part of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Sessions {
    #[serde(flatten)]
    page: Page<Session>,
    /// Nodes that did not answer: their sessions are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<u64>,
}

fn parse(id: &str) -> Result<SessionId> {
    id.parse().map_err(|error| Problem::invalid(format!("{id}: {error}")))
}

async fn view(state: &AdminState, session: SessionInfo) -> Result<Session> {
    let account = state.directory.account(session.account).await?;
    Ok(Session {
        id: session.id.to_string(),
        node: session.node.map(|node| node.0),
        account: account.map_or_else(String::new, |account| account.address.to_string()),
        protocol: session.protocol.label(),
        peer: session.peer.to_string(),
        client: session.client,
        since_millis: session.since_millis,
    })
}

pub(crate) async fn list(State(state): State<AdminState>, Asked(query): Asked<Query>) -> Result<Json<Sessions>> {
    let filter = match (&query.account, &query.tenant) {
        (Some(address), _) => SessionFilter::Account(account::at(&state, address).await?.id),
        (None, Some(name)) => SessionFilter::Tenant(tenant::of(&state, Some(name)).await?),
        (None, None) => SessionFilter::All,
    };
    let after = query.after.as_deref().map(parse).transpose()?;
    let limit = page::limit(query.limit);
    let mut sessions = Vec::new();
    let everywhere = state.access.sessions_everywhere(filter, after, limit).await;
    for session in everywhere.found {
        sessions.push(view(&state, session).await?);
    }
    Ok(Json(Sessions {
        page: Page::new(sessions, limit, |session| session.id.clone()),
        silent: everywhere.silent.iter().map(|node| node.0).collect(),
    }))
}

pub(crate) async fn revoke(State(state): State<AdminState>, Path(id): Path<String>) -> Result<StatusCode> {
    let id = parse(&id)?;
    let filter = SessionFilter::One(id);
    let ended = state.access.revoke_everywhere(filter).await?;
    if ended.found > 0 {
        return Ok(StatusCode::NO_CONTENT);
    }
    if !ended.silent.is_empty() {
        // It may be on one of them, which reads of it.
        return Ok(StatusCode::ACCEPTED);
    }
    if state.access.sessions_everywhere(filter, None, 1).await.found.is_empty() {
        return Err(Problem::not_found(format!("there is no session {id}")));
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn revoke_all(State(state): State<AdminState>, Path(address): Path<String>) -> Result<Json<Ended>> {
    let account = account::at(&state, &address).await?;
    let filter = SessionFilter::Account(account.id);
    let ended = state.access.revoke_everywhere(filter).await?;
    Ok(Json(Ended {
        sessions: ended.found,
        silent: ended.silent.iter().map(|node| node.0).collect(),
    }))
}
