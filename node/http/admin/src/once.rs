//! `Idempotency-Key`: a request that bears one is carried out once, and answered the same when it is asked again.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Actor;
use hongyan_directory::{RequestKey, RequestState};
use serde::{Deserialize, Serialize};

use crate::AdminState;
use crate::problem::{Problem, Result};

/// The header that names a request.
const KEY: &str = "idempotency-key";
/// Longest name.
const KEY_OCTETS_MAX: usize = 255;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// A hash over what was asked: another request must not bear the same key.
    asked: String,
    status: u16,
    kind: Option<String>,
    etag: Option<String>,
    body: String,
}

/// Carries a request with a key out once.
pub(crate) async fn once(State(state): State<AdminState>, request: Request, next: Next) -> Response {
    match request.headers().get(KEY).cloned() {
        Some(key) => match keyed(&state, &key, request, next).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        },
        None => next.run(request).await,
    }
}

async fn keyed(state: &AdminState, key: &HeaderValue, request: Request, next: Next) -> Result<Response> {
    if key.is_empty() || key.len() > KEY_OCTETS_MAX {
        return Err(Problem::invalid(format!(
            "Idempotency-Key: 1 to {KEY_OCTETS_MAX} characters"
        )));
    }
    let actor = request
        .extensions()
        .get::<Actor>()
        .ok_or_else(Problem::unknown_caller)?;
    let place = format!("{} {}", request.method(), request.uri());
    let name = name(actor, &place, key);
    let (mut parts, body) = request.into_parts();
    // No resource takes more than a file.
    let max = state.tasks.options().file_octets_max;
    let body = to_bytes(body, max)
        .await
        .map_err(|_| Problem::too_large("file_octets_max", max as u64))?;
    let asked = blake3::hash(&body).to_hex().to_string();
    match state.directory.request_state(&name).await? {
        RequestState::New => {}
        RequestState::Done => return Err(hongyan_directory::Error::Repeated.into()),
        RequestState::Answered(kept) => return answer(&kept, &asked),
    }
    parts.extensions.insert(name);
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(state, name, asked, response).await
}

/// Names the request: keys of others, and for other resources, are others.
fn name(actor: &Actor, place: &str, key: &HeaderValue) -> RequestKey {
    let author = actor.author();
    let mut hasher = blake3::Hasher::new();
    for part in [author.kind.label(), &author.name, place] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.update(key.as_bytes());
    RequestKey(*hasher.finalize().as_bytes())
}

/// The answer that was given the first time.
fn answer(kept: &[u8], asked: &str) -> Result<Response> {
    let kept: Kept = serde_json::from_slice(kept).map_err(|_| Problem::invalid("the answer kept cannot be read"))?;
    if kept.asked != asked {
        return Err(Problem::key_reused());
    }
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = (status, kept.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, kept.kind), (header::ETAG, kept.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps the answer of what succeeded; what failed has changed nothing and may be asked again.
async fn keep(state: &AdminState, name: RequestKey, asked: String, response: Response) -> Result<Response> {
    let is_secret = response
        .headers()
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value == "no-store");
    // What is shown once is kept nowhere: a repeat is told that the request was carried out.
    if !response.status().is_success() || is_secret {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_else(|_| Bytes::new());
    let text = |name: header::HeaderName| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
    let kept = Kept {
        asked,
        status: parts.status.as_u16(),
        kind: text(header::CONTENT_TYPE),
        etag: text(header::ETAG),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    if let Ok(kept) = serde_json::to_vec(&kept)
        && let Err(error) = state.directory.keep_answer(&name, &kept).await
    {
        tracing::warn!(%error, "an answer was not kept: a repeat is told that the request was carried out");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
