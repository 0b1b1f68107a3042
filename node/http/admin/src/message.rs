//! /api/messages: what the system has told an organisation's administrators (ADM-4, STAT-10).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Actor, Person};
use hongyan_kv::Transaction;
use hongyan_notice::NoticeId;
use hongyan_types::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::page::{self, Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

/// A message of the system; it was mailed too.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SystemMessage {
    id: String,
    at_millis: i64,
    /// What it is about, such as `webhook.off`.
    kind: String,
    title: String,
    title_zh_cn: String,
    text: String,
    text_zh_cn: String,
    /// Whether the caller has read it; null for operators, and for programs.
    read: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SystemMessageMark)]
pub(crate) struct Mark {
    read: bool,
}

/// Names a message, and where a list goes on behind it.
fn token((at, id): (Timestamp, NoticeId)) -> String {
    let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hex}", at.millis)
}

/// Whose read messages are looked at.
pub(crate) fn reader(caller: &Caller) -> Option<AccountId> {
    match &caller.actor {
        Actor::Person(Person {
            account, scopes: None, ..
        }) => Some(*account),
        _ => None,
    }
}

fn read_place(token: &str) -> Option<(Timestamp, NoticeId)> {
    token.split_once('-').and_then(|(millis, id)| {
        let millis = millis.parse().ok()?;
        let id = u128::from_str_radix(id, 16).ok().filter(|_| id.len() == 32)?;
        Some((Timestamp { millis }, NoticeId(id.to_be_bytes())))
    })
}

/// What the system has told the administrators, the latest first, also after it was read, as long as logs are kept.
#[utoipa::path(get, path = "/api/messages", params(PageQuery), responses((status = 200, body = Page<SystemMessage>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<SystemMessage>>> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadOrganisation, name).await?;
    let after = page::after(query.after.as_deref(), read_place)?;
    let (limit, reader) = (query.limit(), reader(&caller));
    let read = async move |transaction: &mut Transaction| {
        let mut found = Vec::new();
        for told in hongyan_notice::told(transaction, tenant, after, limit).await? {
            let read = match reader {
                Some(reader) => Some(hongyan_notice::is_read(transaction, tenant, told.place, reader).await?),
                None => None,
            };
            found.push((told, read));
        }
        Ok::<_, hongyan_kv::Error>(found)
    };
    let found = caller.directory.database().run(read).await;
    let found = found.map_err(hongyan_directory::Error::from)?;
    let next = page::next(&found, limit, |(last, _)| token(last.place));
    let items = found.into_iter().map(|(told, read)| SystemMessage {
        id: token(told.place),
        read,
        at_millis: told.notice.at.millis,
        kind: told.notice.kind,
        title: told.notice.english.subject,
        title_zh_cn: told.notice.chinese.subject,
        text: told.notice.english.body,
        text_zh_cn: told.notice.chinese.body,
    });
    Ok(Json(Page::with_next(items.collect(), next)))
}

/// Notes that the caller has read a message, or has not. Others have their own mark.
#[utoipa::path(patch, path = "/api/messages/{id}", params(("id" = String, Path)), request_body = Mark, responses((status = 204), Failure))]
pub(crate) async fn mark(caller: Caller, Path(id): Path<String>, Body(mark): Body<Mark>) -> Result<StatusCode> {
    let (tenant, _) = caller.within(Action::ReadOrganisation, None).await?;
    let reader = reader(&caller).ok_or_else(|| Problem::invalid("only members have messages to read"))?;
    let missing = || Problem::not_found(format!("message {id} does not exist"));
    let place = read_place(&id).ok_or_else(missing)?;
    let write = async move |transaction: &mut Transaction| {
        hongyan_notice::set_read(transaction, tenant, place, (reader, mark.read)).await
    };
    let found = caller.directory.database().run(write).await;
    if found.map_err(hongyan_directory::Error::from)? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(missing())
}
