//! Requests (RFC 8620 §3): read, called in order, answered together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hongyan_http_front::Caller;
use hongyan_jmap::{MethodErrorType, Request, RequestError, RequestErrorType, resolve};
use http_body_util::{BodyExt, Limited};

use crate::account::{Account, accounts};
use crate::call::{Call, capability_of, dispatch};
use crate::error::{Failure, Outcome, failed};
use crate::jmap::Jmap;
use crate::session_object::{CAPABILITIES, state};

pub(crate) async fn api(State(jmap): State<Arc<Jmap>>, caller: Caller, headers: HeaderMap, body: Body) -> Response {
    let Some(_place) = jmap.requests.take(caller.identity().account.id) else {
        let max = jmap.settings.core.requests_max;
        let kind = RequestErrorType::Limit("maxConcurrentRequests");
        let detail = format!("the account has {max} requests that are not answered yet");
        return refuse(StatusCode::TOO_MANY_REQUESTS, &RequestError { kind, detail });
    };
    let bytes = match read_body(&jmap, &headers, body).await {
        Ok(bytes) => bytes,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error),
    };
    let accounts = match accounts(&jmap, &caller).await {
        Ok(accounts) => accounts,
        Err(failure) => return failed(failure).into_response(),
    };
    match answer(&jmap, &accounts, &bytes).await {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

fn refuse(status: StatusCode, error: &RequestError) -> Response {
    let json = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, json, error.problem(status.as_u16())).into_response()
}

async fn read_body(jmap: &Jmap, headers: &HeaderMap, body: Body) -> Result<Bytes, RequestError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(RequestError {
            kind: RequestErrorType::NotJson,
            detail: "a request is sent as application/json".to_owned(),
        });
    }
    let max = jmap.settings.core.request_octets_max;
    let limited = Limited::new(body, usize::try_from(max).unwrap_or(usize::MAX));
    let collected = limited.collect().await.map_err(|_| RequestError {
        kind: RequestErrorType::Limit("maxSizeRequest"),
        detail: format!("the request did not come to its end within {max} octets"),
    })?;
    Ok(collected.to_bytes())
}

/// The account that a call is about: the caller's own where it names none.
fn account_of<'a>(accounts: &'a [Account], name: &str, arguments: &str) -> Outcome<&'a Account> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(rename = "accountId")]
        account_id: hongyan_jmap::Id,
    }
    let own = &accounts[0];
    if name == "Core/echo" {
        return Ok(own);
    }
    let account = match serde_json::from_str::<Named>(arguments) {
        Ok(named) => accounts.iter().find(|account| account.id == named.account_id),
        Err(_) => Some(own),
    };
    let account = account.ok_or(MethodErrorType::AccountNotFound)?;
    if capability_of(name).is_some_and(|capability| !account.supports(capability)) {
        return Err(MethodErrorType::AccountNotSupportedByMethod.into());
    }
    Ok(account)
}

pub(crate) async fn answer(jmap: &Jmap, accounts: &[Account], bytes: &[u8]) -> Result<Vec<u8>, RequestError> {
    let is_known = |uri: &str| CAPABILITIES.iter().any(|known| known.0 == uri);
    let request = Request::read(bytes, &jmap.settings.core, is_known)?;
    let mut response = hongyan_jmap::Response::new(jmap.settings.response_octets_max);
    let mut created: BTreeMap<_, _> = request.created_ids.clone().unwrap_or_default();
    for call in &request.method_calls {
        let began = jmap.services.env.now_micros();
        let capability = capability_of(&call.name);
        let is_used = capability.is_some_and(|uri| request.using.iter().any(|used| used == uri.0));
        let outcome: Outcome<()> = match resolve(call.arguments, &response) {
            Err(error) => Err(error.into()),
            Ok(_) if !is_used => Err(MethodErrorType::UnknownMethod.into()),
            Ok(text) => match account_of(accounts, &call.name, &text) {
                Err(failure) => Err(failure),
                Ok(account) => {
                    let mut call = Call {
                        jmap,
                        account,
                        accounts,
                        created: &mut created,
                        name: &call.name,
                        id: &call.id,
                        text: &text,
                        response: &mut response,
                    };
                    dispatch(&mut call).await
                }
            },
        };
        let method = if is_used { &*call.name } else { "unknown" };
        let result = if outcome.is_ok() { "ok" } else { "error" };
        jmap.metrics.calls.with_label_values(&[method, result]).inc();
        let micros = jmap.services.env.now_micros().saturating_sub(began);
        let seconds = Duration::from_micros(micros).as_secs_f64();
        jmap.metrics.seconds.with_label_values(&[method]).observe(seconds);
        if let Err(failure) = outcome {
            response.push_error(&call.id, &Failure::told(failure));
        }
    }
    let told = request.created_ids.is_some().then_some(&created);
    Ok(response.finish(told, &state(accounts)))
}
