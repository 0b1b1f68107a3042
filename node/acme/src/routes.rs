//! What the authority fetches that checks by HTTP-01 (RFC 8555 §8.3): any node answers, from the store.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::acme::Acme;

/// Where the authority looks, for a port without TLS.
pub fn routes(acme: Acme) -> Router {
    Router::new()
        .route("/.well-known/acme-challenge/{token}", get(answer))
        .with_state(acme)
}

async fn answer(State(acme): State<Acme>, Path(token): Path<String>) -> Response {
    match acme.inner().store.challenge(&token).await {
        Ok(Some(challenge)) => {
            let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
            (kind, challenge.authorization).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(%error, "a challenge could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
