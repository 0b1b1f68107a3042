//! JMAP over WebSocket (RFC 8887): requests and their answers, and new states, over one connection.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use hongyan_http_front::{Caller, Problem};
use hongyan_jmap::object::StateChange;
use hongyan_jmap::{RequestError, RequestErrorType};
use serde::{Deserialize, Serialize};

use super::listening::Listening;
use super::watching::States;
use crate::account::{Place, accounts, own_mailbox};
use crate::api;
use crate::error::{Failure, failed};
use crate::jmap::Jmap;

/// RFC 8887 §3.1.
const PROTOCOL: &str = "jmap";

/// What a client says, beside what is in a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    data_types: Option<Vec<String>>,
    #[serde(default)]
    push_state: Option<String>,
}

/// What stands before everything else in an answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(rename = "@type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

pub(crate) async fn socket(
    State(jmap): State<Arc<Jmap>>,
    caller: Caller,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let octets_max = usize::try_from(jmap.settings.core.request_octets_max).unwrap_or(usize::MAX);
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(octets_max)
        .max_frame_size(octets_max);
    if upgrade.selected_protocol().is_none() {
        let words = "the protocol of the connection is jmap";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "no-protocol", words));
    }
    let Some(place) = jmap.streams.take(caller.identity().account.id) else {
        let words = format!("the account has {} streams of events", jmap.settings.event_streams_max);
        return Err(Problem::limit(
            StatusCode::TOO_MANY_REQUESTS,
            "event_streams_max",
            words,
        ));
    };
    let connection = Connection {
        jmap,
        caller,
        listening: None,
        answers: FuturesUnordered::new(),
        _place: place,
    };
    Ok(upgrade.on_upgrade(|socket| connection.serve(socket)))
}

/// One client's connection.
struct Connection {
    jmap: Arc<Jmap>,
    caller: Caller,
    /// Set while new states are wanted.
    listening: Option<Listening>,
    answers: FuturesUnordered<BoxFuture<'static, String>>,
    _place: Place,
}

impl Connection {
    async fn serve(mut self, mut socket: WebSocket) {
        let watch = self.caller.watch().clone();
        let overdue = watch.overdue();
        tokio::pin!(overdue);
        loop {
            let told = async {
                match &mut self.listening {
                    Some(listening) => listening.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = overdue.as_mut() => {
                    let frame = CloseFrame { code: close_code::POLICY, reason: "the session was ended".into() };
                    let _ = socket.send(Message::Close(Some(frame))).await;
                    return;
                }
                Some(answer) = self.answers.next(), if !self.answers.is_empty() => {
                    if socket.send(Message::Text(answer.into())).await.is_err() {
                        return;
                    }
                }
                changed = told => {
                    let Some(text) = self.tell(changed) else { return };
                    if socket.send(Message::Text(text.into())).await.is_err() {
                        return;
                    }
                }
                message = socket.recv() => {
                    let Some(Ok(message)) = message else { return };
                    let refused = match message {
                        Message::Text(text) => self.hear(text.as_str()).await,
                        Message::Binary(_) => Some(refusal(None, &not_json("a message is text"))),
                        Message::Close(_) => return,
                        Message::Ping(_) | Message::Pong(_) => None,
                    };
                    if let Some(refused) = refused && socket.send(Message::Text(refused.into())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Takes what the client says; what it is to be told at once.
    async fn hear(&mut self, text: &str) -> Option<String> {
        let said: Said = match serde_json::from_str(text) {
            Ok(said) => said,
            Err(error) => {
                let kind = match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                    Ok(_) => RequestErrorType::NotRequest,
                    Err(_) => RequestErrorType::NotJson,
                };
                let detail = error.to_string();
                return Some(refusal(None, &RequestError { kind, detail }));
            }
        };
        match said.kind.as_str() {
            "Request" => self.request(said.id, text),
            "WebSocketPushEnable" => {
                let wished = |name: &str| {
                    let types = said.data_types.as_ref();
                    types.is_none_or(|types| types.iter().any(|wished| wished == name))
                };
                let mailbox = own_mailbox(&self.caller);
                let mut listening = Listening::begin(&self.jmap, mailbox, wished).await.ok()?;
                if let Some(state) = &said.push_state {
                    listening.goes_on_from(state);
                }
                self.listening = Some(listening);
                None
            }
            "WebSocketPushDisable" => {
                self.listening = None;
                None
            }
            other => {
                let detail = format!("no message of the type {other}");
                let kind = RequestErrorType::NotRequest;
                Some(refusal(said.id.as_deref(), &RequestError { kind, detail }))
            }
        }
    }

    /// Begins to answer a request; several are answered at the same time.
    fn request(&mut self, id: Option<String>, text: &str) -> Option<String> {
        let Some(place) = self.jmap.requests.take(self.caller.identity().account.id) else {
            let max = self.jmap.settings.core.requests_max;
            let kind = RequestErrorType::Limit("maxConcurrentRequests");
            let detail = format!("the account has {max} requests that are not answered yet");
            return Some(refusal(id.as_deref(), &RequestError { kind, detail }));
        };
        let (jmap, caller, text) = (Arc::clone(&self.jmap), self.caller.clone(), text.to_owned());
        self.answers.push(Box::pin(async move {
            let accounts = match accounts(&jmap, &caller).await {
                Ok(accounts) => accounts,
                Err(failure) => return headed("RequestError", id.as_deref(), &problem(failure)),
            };
            let answered = api::answer(&jmap, &accounts, text.as_bytes()).await;
            drop(place);
            match answered {
                Ok(answer) => headed("Response", id.as_deref(), &String::from_utf8_lossy(&answer)),
                Err(error) => refusal(id.as_deref(), &error),
            }
        }));
        None
    }

    fn tell(&self, changed: Option<States>) -> Option<String> {
        let change = StateChange {
            changed: changed?,
            push_state: Some(self.listening.as_ref()?.state()),
        };
        serde_json::to_string(&change).ok()
    }
}

fn not_json(words: &str) -> RequestError {
    RequestError {
        kind: RequestErrorType::NotJson,
        detail: words.to_owned(),
    }
}

fn problem(failure: Failure) -> String {
    serde_json::to_string(&failed(failure)).unwrap_or_else(|_| "{}".to_owned())
}

fn refusal(id: Option<&str>, error: &RequestError) -> String {
    headed("RequestError", id, &error.problem(StatusCode::BAD_REQUEST.as_u16()))
}

/// A JSON object with these members before its own, of which there are some.
fn headed(kind: &str, request_id: Option<&str>, object: &str) -> String {
    let head = serde_json::to_string(&Head { kind, request_id }).unwrap_or_default();
    let (head, object) = (
        head.strip_suffix('}').unwrap_or(&head),
        object.strip_prefix('{').unwrap_or(object),
    );
    format!("{head},{object}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_what_they_are_and_to_what() {
        assert_eq!(
            headed("Response", Some("R1"), r#"{"sessionState":"1"}"#),
            r#"{"@type":"Response","requestId":"R1","sessionState":"1"}"#
        );
    }
}
