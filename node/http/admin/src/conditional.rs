//! Entity tags: an answer bears what its object is now, a change says what the object was when it was thought of.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_directory::Etag;
use serde::Serialize;

use crate::problem::{Problem, Result};

/// One object with its tag.
pub(crate) struct Tagged<T> {
    pub(crate) status: StatusCode,
    pub(crate) etag: Etag,
    pub(crate) body: T,
}

impl<T> Tagged<T> {
    pub(crate) fn new(etag: Etag, body: T) -> Self {
        Self {
            status: StatusCode::OK,
            etag,
            body,
        }
    }
    pub(crate) fn created(etag: Etag, body: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            etag,
            body,
        }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", self.etag)) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

/// What the object must still be (RFC 9110 §13.1.1); nothing when it may be anything.
pub(crate) struct IfMatch(pub(crate) Option<Etag>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let value = value.to_str().unwrap_or_default().trim();
        if value == "*" {
            return Ok(Self(None));
        }
        let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let etag = quoted.and_then(|text| text.parse().ok());
        let etag = etag.ok_or_else(|| Problem::invalid("If-Match: one entity tag as it was given, in quotes"))?;
        Ok(Self(Some(etag)))
    }
}

/// Turns "changed meanwhile" into an answer that shows what the object is now.
pub(crate) async fn with_present<T, V: Serialize>(
    outcome: Result<T, impl Into<Problem>>,
    present: impl Future<Output = Result<V>>,
) -> Result<T> {
    match outcome.map_err(Into::into) {
        Err(problem) if problem.kind == Problem::CHANGED => Err(match present.await {
            Ok(present) => problem.showing(&present),
            Err(_) => problem,
        }),
        outcome => outcome,
    }
}
