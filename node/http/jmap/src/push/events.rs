//! EventSource (RFC 8620 §7.3): a client hears of new states while it listens.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use hongyan_http_front::{Caller, Problem};
use hongyan_jmap::object::StateChange;
use serde::Deserialize;

use super::listening::Listening;
use crate::account::{Place, own_mailbox};
use crate::error::failed;
use crate::jmap::Jmap;

/// Longest time between pings.
const PING_MAX: Duration = Duration::from_secs(3_600);

#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    types: String,
    #[serde(default)]
    closeafter: String,
    #[serde(default)]
    ping: u64,
}

/// One client that listens.
struct Stream {
    jmap: Arc<Jmap>,
    listening: Listening,
    closes_after_state: bool,
    ping: Option<Duration>,
    is_done: bool,
    _place: Place,
}

pub(crate) async fn events(
    State(jmap): State<Arc<Jmap>>,
    caller: Caller,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let mailbox = own_mailbox(&caller);
    let Some(place) = jmap.streams.take(mailbox.account) else {
        let words = format!("the account has {} streams of events", jmap.settings.event_streams_max);
        return Err(Problem::limit(
            StatusCode::TOO_MANY_REQUESTS,
            "event_streams_max",
            words,
        ));
    };
    let wished = |name: &str| wish.types == "*" || wish.types.split(',').any(|wished| wished == name);
    let ping = Duration::from_secs(wish.ping);
    let mut listening = Listening::begin(&jmap, mailbox, wished).await.map_err(failed)?;
    // Whoever comes back is told at once what it missed; others know the state from their requests.
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    if let Some(last) = last {
        listening.goes_on_from(last);
    }
    let stream = Stream {
        closes_after_state: wish.closeafter == "state",
        ping: (!ping.is_zero()).then(|| ping.clamp(jmap.settings.ping_min, PING_MAX)),
        is_done: false,
        _place: place,
        listening,
        jmap,
    };
    let stream = stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), stream))
    });
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((fields, Body::from_stream(stream)).into_response())
}

impl Stream {
    /// The next event; none when the stream is at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_done {
            return None;
        }
        let changed = self.listening.changed();
        let changed = match self.ping {
            None => changed.await?,
            Some(ping) => match self.jmap.services.env.timeout(ping, changed).await {
                Some(changed) => changed?,
                None => return Some(ping_event(ping)),
            },
        };
        self.is_done = self.closes_after_state;
        let change = StateChange {
            changed,
            push_state: None,
        };
        let data = serde_json::to_string(&change).unwrap_or_default();
        let state = self.listening.state();
        Some(format!("event: state\nid: {state}\ndata: {data}\n\n").into())
    }
}

fn ping_event(ping: Duration) -> Bytes {
    format!("event: ping\ndata: {{\"interval\":{}}}\n\n", ping.as_secs()).into()
}
