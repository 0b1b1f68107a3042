//! Uploads (RFC 8620 §6.1).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use hongyan_blob::{BlobWriter, NewBlob};
use hongyan_http_front::{Caller, Problem};
use hongyan_jmap::Id;
use hongyan_mailbox::MailboxId;
use serde::Serialize;

use super::upload_record;
use crate::error::{Outcome, failed};
use crate::ids::{BlobId, BlobSource};
use crate::jmap::Jmap;

/// What a client is told of its upload.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    account_id: Id,
    blob_id: Id,
    #[serde(rename = "type")]
    kind: String,
    size: u64,
}

pub(crate) async fn upload(
    State(jmap): State<Arc<Jmap>>,
    caller: Caller,
    Path(account_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let account = super::account(&jmap, &caller, &account_id).await?;
    if account.read_only {
        let words = "you may look there and change nothing";
        return Err(Problem::new(StatusCode::FORBIDDEN, "read-only", words));
    }
    let core = &jmap.settings.core;
    let Some(_place) = jmap.uploads.take(account.person.id) else {
        let words = format!("the account has {} uploads at this moment", core.uploads_max);
        return Err(Problem::limit(
            StatusCode::TOO_MANY_REQUESTS,
            "maxConcurrentUpload",
            words,
        ));
    };
    let limit = jmap.upload_limit(&account.record).await.map_err(failed)?;
    let mut writer = jmap.services.blobs.writer(account.mailbox.tenant.0);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let cut = |_| Problem::new(StatusCode::BAD_REQUEST, "cut-off", "the upload did not come to its end");
        let piece = piece.map_err(cut)?;
        let octets = writer.octets().saturating_add(piece.len() as u64);
        if octets > limit.value() {
            let words = format!("{} is {} octets and the upload has more", limit.label(), limit.value());
            return Err(Problem::limit(StatusCode::PAYLOAD_TOO_LARGE, "maxSizeUpload", words));
        }
        writer.push(&piece).await.map_err(failed)?;
    }
    let blob = keep(&jmap, account.mailbox, writer).await.map_err(failed)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let uploaded = Uploaded {
        account_id: account.id,
        blob_id: BlobId::from(BlobSource::Upload(blob.address())).to_id(),
        kind: kind.unwrap_or("application/octet-stream").to_owned(),
        size: blob.octets(),
    };
    Ok((StatusCode::CREATED, axum::Json(uploaded)).into_response())
}

/// Keeps what was written for the account, as long as uploads are kept.
pub(super) async fn keep(jmap: &Jmap, mailbox: MailboxId, writer: BlobWriter) -> Outcome<NewBlob> {
    let blob = writer.finish().await?;
    let now = jmap.services.env.wall_millis();
    let kept = i64::try_from(jmap.settings.upload_kept.as_millis()).unwrap_or(i64::MAX);
    let services = &jmap.services;
    let times = (now, now.saturating_sub(kept));
    upload_record::keep(&services.database, &services.blobs, mailbox, &blob, times).await?;
    Ok(blob)
}
