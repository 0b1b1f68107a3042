//! Downloads (RFC 8620 §6.2): mails, their parts decoded, and uploads.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use hongyan_blob::BlobError;
use hongyan_http_front::{Caller, Problem};
use serde::Deserialize;

use super::stretch::{Stretch, open};
use crate::error::failed;
use crate::ids::BlobId;
use crate::jmap::Jmap;

/// Accounts and blobs of others look like none.
pub(super) fn missing(what: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", format!("no such {what}"))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    accept: Option<String>,
}

pub(crate) async fn download(
    State(jmap): State<Arc<Jmap>>,
    caller: Caller,
    Path((account_id, blob_id, name)): Path<(String, String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let account = super::account(&jmap, &caller, &account_id).await?;
    let blob = BlobId::read(&blob_id).ok_or_else(|| missing("blob"))?;
    let found = open(&jmap, &account, &blob).await.map_err(failed)?;
    let stretch = found.ok_or_else(|| missing("blob"))?;
    let headers = headers(&stretch, &name, wish.accept.as_deref());
    Ok((headers, Body::from_stream(pieces(stretch))).into_response())
}

/// The octets, a piece at a time.
fn pieces(stretch: Stretch) -> impl stream::Stream<Item = Result<Bytes, BlobError>> {
    stream::try_unfold(stretch, |mut stretch| async move {
        Ok(stretch.next().await?.map(|piece| (piece, stretch)))
    })
}

/// A browser shows none of it as a page of ours.
fn headers(stretch: &Stretch, name: &str, accept: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |field: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(field, value);
        }
    };
    let is_type = |text: &&str| text.contains('/') && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    set(
        header::CONTENT_TYPE,
        accept.filter(is_type).unwrap_or("application/octet-stream"),
    );
    set(header::CONTENT_DISPOSITION, &disposition(name));
    // RFC 8620 §6.2: a blob never changes.
    set(header::CACHE_CONTROL, "private, immutable, max-age=31536000");
    set(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    set(header::CONTENT_LENGTH, &stretch.octets.to_string());
    headers
}

/// RFC 6266 §4.3: the name in the characters of any language, percent-encoded.
fn disposition(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_field() {
        assert_eq!(
            disposition("a b\"\r\nx.pdf"),
            "attachment; filename*=UTF-8''a%20b%22%0D%0Ax.pdf"
        );
        assert_eq!(disposition("图.png"), "attachment; filename*=UTF-8''%E5%9B%BE.png");
    }
}
