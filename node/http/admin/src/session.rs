//! /api/sessions, /api/members/{address}/sessions

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Reach};
use hongyan_access::{SessionFilter, SessionId, SessionInfo};
use hongyan_audit::{Chain, Event};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::page::{self, Page};
use crate::problem::{Failure, Problem, Result};

#[derive(Debug, Serialize, ToSchema)]
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

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    after: Option<String>,
    limit: Option<usize>,
    /// Of one organisation only, by name.
    organisation: Option<String>,
    /// One of an account's addresses.
    account: Option<String>,
}

/// How many sessions were told to end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    sessions: usize,
    /// Nodes that did not answer; they end theirs when they are back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<u64>,
}

/// Part of a list.
#[derive(Debug, Serialize, ToSchema)]
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

async fn view(caller: &Caller, session: SessionInfo) -> Result<Session> {
    let account = caller.directory.account(session.account).await?;
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

/// Who is signed in with a mail client, on all nodes.
#[utoipa::path(get, path = "/api/sessions", params(Query), responses((status = 200, body = Sessions), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Sessions>> {
    let filter = match (&query.account, &query.organisation) {
        (Some(address), _) => SessionFilter::Account(caller.member(Action::ReadSessions, address).await?.id),
        (None, None) if caller.actor.tenant().is_none() => SessionFilter::All,
        (None, name) => {
            let (tenant, reach) = caller.within(Action::ReadSessions, name.as_deref()).await?;
            if reach != Reach::Organisation {
                return Err(Problem::invalid("say of which account: you see some departments only"));
            }
            SessionFilter::Tenant(tenant)
        }
    };
    if filter == SessionFilter::All {
        caller.permit_operator(Action::ReadSessions)?;
    }
    let after = query.after.as_deref().map(parse).transpose()?;
    let limit = page::limit(query.limit);
    let mut sessions = Vec::new();
    let everywhere = caller.access.sessions_everywhere(filter, after, limit).await;
    for session in everywhere.found {
        sessions.push(view(&caller, session).await?);
    }
    Ok(Json(Sessions {
        page: Page::new(sessions, limit, |session| session.id.clone()),
        silent: everywhere.silent.iter().map(|node| node.0).collect(),
    }))
}

/// Ends a session.
#[utoipa::path(delete, path = "/api/sessions/{id}", params(("id" = String, Path)), responses((status = 204), (status = 202, description = "A node that may have it does not answer, and ends it when it is back"), Failure))]
pub(crate) async fn revoke(caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    let id = parse(&id)?;
    let filter = SessionFilter::One(id);
    let missing = || Problem::not_found(format!("there is no session {id}"));
    let chain = match caller.actor.tenant() {
        None => {
            caller.permit_operator(Action::EndSessions)?;
            Chain::Installation
        }
        Some(tenant) => {
            let found = caller.access.sessions_everywhere(filter, None, 1).await.found;
            let session = found.first().ok_or_else(missing)?;
            let account = caller.directory.account(session.account).await?.ok_or_else(missing)?;
            let address = account.address.clone();
            caller
                .permit_member(Action::EndSessions, &account, &address)
                .await
                .map_err(|problem| if problem.status == 404 { missing() } else { problem })?;
            Chain::Tenant(tenant)
        }
    };
    caller.directory.record(chain, Event::new("session.end", id)).await?;
    let ended = caller.access.revoke_everywhere(filter).await?;
    if ended.found > 0 {
        return Ok(StatusCode::NO_CONTENT);
    }
    if !ended.silent.is_empty() {
        // It may be on one of them, which reads of it.
        return Ok(StatusCode::ACCEPTED);
    }
    if caller
        .access
        .sessions_everywhere(filter, None, 1)
        .await
        .found
        .is_empty()
    {
        return Err(missing());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of a member.
#[utoipa::path(delete, path = "/api/members/{address}/sessions", params(("address" = String, Path)), responses((status = 200, body = Ended), Failure))]
pub(crate) async fn revoke_all(caller: Caller, Path(address): Path<String>) -> Result<Json<Ended>> {
    let account = caller.member(Action::EndSessions, &address).await?;
    let event = Event::new("member.end-sessions", &account.address).id(account.id.0);
    caller.directory.record(Chain::Tenant(account.tenant), event).await?;
    let filter = SessionFilter::Account(account.id);
    let ended = caller.access.revoke_everywhere(filter).await?;
    Ok(Json(Ended {
        sessions: ended.found,
        silent: ended.silent.iter().map(|node| node.0).collect(),
    }))
}
