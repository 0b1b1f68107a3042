//! /api/queue

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hongyan_queue::{
    Attempt, Delete, Destination, Entry, EntryId, Hold, List, QueueId, RecipientState, Release, Retry, Show,
};
use serde::Serialize;

use crate::AdminState;
use crate::body::Asked;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, Result};

/// How long a shard may take to answer.
const ASK: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize)]
pub(crate) struct EntryView {
    id: String,
    state: &'static str,
    sender: Option<String>,
    destination: String,
    octets: u64,
    subject: String,
    accepted_millis: i64,
    next_attempt_millis: i64,
    attempts: u32,
    recipients: Vec<RecipientView>,
}

#[derive(Debug, Serialize)]
struct RecipientView {
    address: String,
    state: &'static str,
    last: Option<String>,
}

fn view(id: EntryId, entry: &Entry) -> EntryView {
    EntryView {
        id: id.to_string(),
        state: if entry.held { "held" } else { "waiting" },
        sender: entry.sender.clone(),
        destination: match &entry.destination {
            Destination::Domain(domain) => domain.clone(),
            Destination::Local => "local".to_owned(),
        },
        octets: entry.octets,
        subject: entry.subject.clone(),
        accepted_millis: entry.accepted_millis,
        next_attempt_millis: entry.due_millis,
        attempts: entry.attempts,
        recipients: entry
            .recipients
            .iter()
            .map(|recipient| RecipientView {
                address: recipient.address.clone(),
                state: match recipient.state {
                    RecipientState::Pending => "pending",
                    RecipientState::Delivered => "delivered",
                    RecipientState::Bounced => "bounced",
                    RecipientState::Expired => "expired",
                },
                last: recipient.last.as_ref().map(last_word),
            })
            .collect(),
    }
}

fn last_word(attempt: &Attempt) -> String {
    let code = match attempt.code {
        0 => String::new(),
        code => format!("{code} "),
    };
    let host = if attempt.host.is_empty() { "here" } else { &attempt.host };
    format!("{host}: {code}{} {}", attempt.status, attempt.text)
}

fn parse(id: &str) -> Result<EntryId> {
    id.parse().map_err(|error| Problem::invalid(format!("{id}: {error}")))
}

/// Shard by shard, each in the order of acceptance.
pub(crate) async fn list(
    State(state): State<AdminState>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<EntryView>>> {
    let from = query.after.as_deref().map(parse).transpose()?;
    let limit = query.limit();
    let mut entries = Vec::new();
    for shard in QueueId::all() {
        if from.is_some_and(|from| shard < from.queue) {
            continue;
        }
        let after = from.filter(|from| from.queue == shard).map_or(0, |from| from.number);
        let wanted = List {
            after,
            limit: limit - entries.len(),
        };
        let reply = state.router.ask(&shard, wanted, ASK).await??;
        entries.extend(reply.entries.iter().map(|(id, entry)| view(*id, entry)));
        if entries.len() >= limit {
            break;
        }
    }
    Ok(Json(Page::new(entries, limit, |entry| entry.id.clone())))
}

pub(crate) async fn show(State(state): State<AdminState>, Path(id): Path<String>) -> Result<Json<EntryView>> {
    let id = parse(&id)?;
    let entry = state.router.ask(&id.queue, Show { number: id.number }, ASK).await??;
    Ok(Json(view(id, &entry)))
}

pub(crate) async fn delete(State(state): State<AdminState>, Path(id): Path<String>) -> Result<StatusCode> {
    let id = parse(&id)?;
    state.router.ask(&id.queue, Delete { number: id.number }, ASK).await??;
    tracing::info!(entry = %id, "queue entry deleted");
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn act(
    State(state): State<AdminState>,
    Path((id, action)): Path<(String, String)>,
) -> Result<Json<EntryView>> {
    let id = parse(&id)?;
    let number = id.number;
    match action.as_str() {
        "retry" => state.router.ask(&id.queue, Retry { number }, ASK).await??,
        "hold" => state.router.ask(&id.queue, Hold { number }, ASK).await??,
        "release" => state.router.ask(&id.queue, Release { number }, ASK).await??,
        _ => return Err(Problem::not_found("an entry can be told to retry, hold or release")),
    }
    let entry = state.router.ask(&id.queue, Show { number }, ASK).await??;
    Ok(Json(view(id, &entry)))
}
