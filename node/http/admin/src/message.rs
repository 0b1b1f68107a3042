//! /api/messages: what the system has told an organisation's administrators (ADM-4, STAT-10).

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_notice::NoticeId;
use hongyan_types::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Asked;
use crate::caller::Caller;
use crate::page::{Page, PageQuery};
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
}

fn hex(id: NoticeId) -> String {
    id.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_place(token: &str) -> Result<(Timestamp, NoticeId)> {
    let place = token.split_once('-').and_then(|(millis, id)| {
        let millis = millis.parse().ok()?;
        let id = u128::from_str_radix(id, 16).ok().filter(|_| id.len() == 32)?;
        Some((Timestamp { millis }, NoticeId(id.to_be_bytes())))
    });
    place.ok_or_else(|| Problem::invalid("after is not the `next` of a page"))
}

/// What the system has told the administrators, the latest first, for 180 days.
#[utoipa::path(get, path = "/api/messages", params(PageQuery), responses((status = 200, body = Page<SystemMessage>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<SystemMessage>>> {
    let name = query.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadOrganisation, name).await?;
    let after = query.after.as_deref().map(read_place).transpose()?;
    let limit = query.limit();
    let found = caller
        .directory
        .transact(async move |change| Ok(hongyan_notice::told(change, tenant, after, limit).await?))
        .await?;
    let next = found.last().filter(|_| found.len() == limit);
    let next = next.map(|last| format!("{}-{}", last.place.0.millis, hex(last.place.1)));
    let items = found.into_iter().map(|told| SystemMessage {
        id: hex(told.notice.id),
        at_millis: told.notice.at.millis,
        kind: told.notice.kind,
        title: told.notice.english.subject,
        title_zh_cn: told.notice.chinese.subject,
        text: told.notice.english.body,
        text_zh_cn: told.notice.chinese.body,
    });
    Ok(Json(Page::with_next(items.collect(), next)))
}
