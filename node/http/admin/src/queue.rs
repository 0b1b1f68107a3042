//! /api/queue

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_audit::Event;
use hongyan_queue::{
    Attempt, Delete, Destination, Entry, EntryId, Hold, List, QueueId, RecipientState, Release, Retry, Show,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Asked;
use crate::caller::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

/// How long a shard may take to answer.
const ASK: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize, ToSchema)]
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

#[derive(Debug, Serialize, ToSchema)]
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

/// Mail waiting to leave, shard by shard, each in the order of acceptance.
#[utoipa::path(get, path = "/api/queue", params(PageQuery), responses((status = 200, body = Page<EntryView>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<EntryView>>> {
    caller.permit_operator(Action::ManageQueue)?;
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
        let reply = caller.router.ask(&shard, wanted, ASK).await??;
        entries.extend(reply.entries.iter().map(|(id, entry)| view(*id, entry)));
        if entries.len() >= limit {
            break;
        }
    }
    Ok(Json(Page::new(entries, limit, |entry| entry.id.clone())))
}

/// An entry.
#[utoipa::path(get, path = "/api/queue/{id}", params(("id" = String, Path)), responses((status = 200, body = EntryView), Failure))]
pub(crate) async fn show(caller: Caller, Path(id): Path<String>) -> Result<Json<EntryView>> {
    caller.permit_operator(Action::ManageQueue)?;
    let id = parse(&id)?;
    let entry = caller.router.ask(&id.queue, Show { number: id.number }, ASK).await??;
    Ok(Json(view(id, &entry)))
}

/// Throws an entry away.
#[utoipa::path(delete, path = "/api/queue/{id}", params(("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    caller.permit_operator(Action::ManageQueue)?;
    let id = parse(&id)?;
    caller.record(Event::new("queue.delete", id)).await?;
    caller
        .router
        .ask(&id.queue, Delete { number: id.number }, ASK)
        .await??;
    tracing::info!(entry = %id, "queue entry deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// Tells an entry to `retry`, `hold` or `release`.
#[utoipa::path(post, path = "/api/queue/{id}/{action}", params(("id" = String, Path), ("action" = String, Path)), responses((status = 200, body = EntryView), Failure))]
pub(crate) async fn act(caller: Caller, Path((id, action)): Path<(String, String)>) -> Result<Json<EntryView>> {
    caller.permit_operator(Action::ManageQueue)?;
    let id = parse(&id)?;
    let number = id.number;
    let told = match action.as_str() {
        "retry" => "queue.retry",
        "hold" => "queue.hold",
        "release" => "queue.release",
        _ => return Err(Problem::not_found("an entry can be told to retry, hold or release")),
    };
    caller.record(Event::new(told, id)).await?;
    match action.as_str() {
        "retry" => caller.router.ask(&id.queue, Retry { number }, ASK).await??,
        "hold" => caller.router.ask(&id.queue, Hold { number }, ASK).await??,
        _ => caller.router.ask(&id.queue, Release { number }, ASK).await??,
    }
    let entry = caller.router.ask(&id.queue, Show { number }, ASK).await??;
    Ok(Json(view(id, &entry)))
}
