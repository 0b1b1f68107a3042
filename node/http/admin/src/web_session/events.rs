//! /api/session/events: what waits for whoever is signed in, as it happens (server-sent events, AUTH-18).

use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Actor;
use hongyan_access::{AccessError, ApprovalWatch};
use serde_json::json;

use super::Guest;
use super::approval::waiting;
use crate::event::{Place, Places};
use crate::problem::{Failure, Result};

/// Time between two looks when it is quiet; what lies between sees that both are there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Stream {
    guest: Guest,
    watch: ApprovalWatch,
    /// What was told last.
    told: Option<String>,
    _place: Place,
}

impl Stream {
    /// What to send next; nothing when the session is over.
    async fn next(&mut self) -> Option<Bytes> {
        if self.told.is_some() {
            let env = self.guest.state.directory.env().clone();
            let _ = env.timeout(KEEP_ALIVE, self.watch.changed()).await;
        }
        let items = match waiting(&self.guest).await {
            Ok(items) => items,
            Err(error) => {
                tracing::debug!(event = "session_stream_ended", detail = %error.detail);
                return None;
            }
        };
        let told = json!({ "items": items }).to_string();
        if self.told.as_ref() == Some(&told) {
            return Some(Bytes::from_static(b": here\n\n"));
        }
        let event = format!("event: approvals\ndata: {told}\n\n");
        self.told = Some(told);
        Some(event.into())
    }
}

/// The sign-ins that wait to be confirmed, as they come and go: the event `approvals` has what `/api/session/approvals` answers, at once and
/// whenever it changes. Ends with the session.
#[utoipa::path(get, path = "/api/session/events",
    responses((status = 200, description = "Events, until either side ends the stream", body = String, content_type = "text/event-stream"), Failure))]
pub(crate) async fn events(guest: Guest, Extension(places): Extension<Places>) -> Result<Response> {
    let session = guest.session().await?;
    if session.stage != hongyan_access::Stage::SignedIn {
        return Err(AccessError::Unfinished(session.stage).into());
    }
    let author = Actor::member(&session.account, Some(guest.peer), None).author();
    let stream = Stream {
        watch: guest.state.access.watch_approvals(session.account.id),
        told: None,
        _place: places.take(&author)?,
        guest,
    };
    let stream = futures_util::stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), stream))
    });
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((fields, Body::from_stream(stream)).into_response())
}
