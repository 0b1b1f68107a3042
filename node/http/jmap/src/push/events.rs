//! EventSource (RFC 8620 §7.3): a client hears of new states while it listens. The mailbox's hints wake it; what it is
//! told is the state that a request would find.

use std::collections::BTreeMap;
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
use hongyan_mailbox::ListFolders;
use hongyan_router::Subscription;
use hongyan_types::ModSeq;
use serde::Deserialize;

use crate::account::{Account, Place};
use crate::error::Outcome;
use crate::jmap::Jmap;
use crate::state;

/// Kinds of records whose states are those of the mailbox.
const TYPES: [&str; 3] = ["Email", "Mailbox", "Thread"];
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
struct Listening {
    jmap: Arc<Jmap>,
    account: Account,
    hints: Subscription,
    types: Vec<&'static str>,
    closes_after_state: bool,
    ping: Option<Duration>,
    told: ModSeq,
    is_done: bool,
    _place: Place,
}

pub(crate) async fn events(
    State(jmap): State<Arc<Jmap>>,
    caller: Caller,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let account = Account::of(&caller);
    let Some(place) = jmap.streams.take(account.mailbox.account) else {
        let words = format!("the account has {} streams of events", jmap.settings.event_streams_max);
        return Err(Problem::limit(
            StatusCode::TOO_MANY_REQUESTS,
            "event_streams_max",
            words,
        ));
    };
    let types = TYPES
        .into_iter()
        .filter(|name| wish.types == "*" || wish.types.split(',').any(|wished| wished == *name));
    let ping = Duration::from_secs(wish.ping);
    let mut listening = Listening {
        hints: jmap.services.router.subscribe(&account.mailbox),
        types: types.collect(),
        closes_after_state: wish.closeafter == "state",
        ping: (!ping.is_zero()).then(|| ping.clamp(jmap.settings.ping_min, PING_MAX)),
        told: ModSeq(0),
        is_done: false,
        _place: place,
        jmap,
        account,
    };
    let now = listening.modseq().await.map_err(|error| {
        let words = error.told().to_string();
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", words)
    })?;
    // Whoever comes back is told at once what it missed; others know the state from their requests.
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    listening.told = match last.map(str::parse::<u64>) {
        None => now,
        Some(last) => ModSeq(last.unwrap_or(0)),
    };
    let stream = stream::unfold(listening, |mut listening| async move {
        let event = listening.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), listening))
    });
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((fields, Body::from_stream(stream)).into_response())
}

impl Listening {
    async fn modseq(&self) -> Outcome<ModSeq> {
        let within = self.jmap.settings.ask_timeout;
        let router = &self.jmap.services.router;
        Ok(router.ask(&self.account.mailbox, ListFolders, within).await??.modseq)
    }
    /// The next event; none when the stream is at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_done {
            return None;
        }
        loop {
            // A mailbox that cannot answer now will publish again, or the client comes back with what it has.
            let now = self.modseq().await.ok()?;
            if now > self.told {
                self.told = now;
                self.is_done = self.closes_after_state;
                if !self.types.is_empty() {
                    return Some(self.state_event());
                }
            }
            let env = self.jmap.services.env.clone();
            let heard = self.hints.changed();
            match self.ping {
                None => {
                    heard.await;
                }
                Some(ping) => {
                    if env.timeout(ping, heard).await.is_none() {
                        return Some(ping_event(ping));
                    }
                }
            }
        }
    }
    fn state_event(&self) -> Bytes {
        let state = state::write(self.told);
        let states: BTreeMap<&'static str, String> = self.types.iter().map(|name| (*name, state.clone())).collect();
        let change = StateChange {
            changed: BTreeMap::from([(self.account.id.clone(), states)]),
        };
        let data = serde_json::to_string(&change).unwrap_or_default();
        format!("event: state\nid: {state}\ndata: {data}\n\n").into()
    }
}

fn ping_event(ping: Duration) -> Bytes {
    format!("event: ping\ndata: {{\"interval\":{}}}\n\n", ping.as_secs()).into()
}
