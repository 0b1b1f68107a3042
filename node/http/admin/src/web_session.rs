//! /api/session: signing in to the web client and the API, step by step.
//!
//! Reached by whoever has not signed in yet, so it takes no actor. The token is a cookie that scripts do not see and other
//! sites do not send, or, for programs, part of the answer. Pages of other sites are turned away by the entry.

mod approval;
mod events;
mod factor;
mod guest;
mod passkey;
mod password;
mod reach;
mod recovery;
mod terms;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::{DEVICE_COOKIE, SESSION_COOKIE, Visit, cookie};
use hongyan_sasl::Secret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::AdminState;
use crate::body::Body;
use crate::member::Password;
use crate::problem::{Failure, Problem, Result};

pub(crate) use approval::{
    __path_approvals, __path_approve, __path_ask_approval, __path_refuse, approvals, approve, ask_approval, refuse,
};
pub(crate) use events::{__path_events, events};
pub(crate) use factor::{
    __path_confirm_totp, __path_offer_totp, __path_prove, __path_remove_second_factor, __path_renew_recovery_codes,
    __path_second_factor, confirm_totp, offer_totp, prove, remove_second_factor, renew_recovery_codes, second_factor,
};
pub(crate) use guest::Guest;
pub(crate) use passkey::{
    __path_add_passkey, __path_offer_passkey, __path_remove_totp, __path_request_passkey, add_passkey, offer_passkey,
    remove_totp, request_passkey,
};
pub(crate) use password::{__path_change_password, change_password};
pub(crate) use reach::{
    __path_confirm_mailbox, __path_confirm_phone, __path_offer_mailbox, __path_offer_phone, __path_protect,
    __path_reach, __path_remove_mailbox, __path_remove_phone, __path_send_code, confirm_mailbox, confirm_phone,
    offer_mailbox, offer_phone, protect, reach, remove_mailbox, remove_phone, send_code,
};
pub(crate) use recovery::{__path_ask, __path_ask_phone, __path_recover, __path_ways, ask, ask_phone, recover, ways};
pub(crate) use terms::{__path_accept_terms, __path_terms, accept_terms, terms};

/// A session of the web client.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebSession {
    id: String,
    /// The account's address.
    account: String,
    display_name: String,
    /// What was typed: it may be an alias.
    login: String,
    /// `signed-in`, or what is still lacking: `second-factor`, `change-password`, `accept-terms`, `set-up-second-factor`.
    stage: &'static str,
    /// What can be shown as the second factor; nothing where there is none.
    factors: Vec<&'static str>,
    created_millis: i64,
    /// When it ends at the latest.
    end_millis: i64,
    /// When its owner last proved to be themselves.
    proved_millis: i64,
    /// Until when a second factor has to be set up; null where none is demanded, or there is one.
    set_up_until_millis: Option<i64>,
    /// Where to lead the browser when the member has signed out; null is the page to sign in.
    exit_page: Option<String>,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct Begun {
    #[serde(flatten)]
    session: WebSession,
    /// For programs that asked for it: to be shown as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// One of the account's addresses.
    login: Option<String>,
    password: Option<Password>,
    /// In place of both: what `navigator.credentials.get()` gave, as its `toJSON()` writes it.
    #[schema(value_type = Option<Object>)]
    passkey: Option<Box<RawValue>>,
    /// In place of all these: a phone, and the code that `/api/session/phone-code` had sent to it.
    phone: Option<String>,
    code: Option<String>,
    /// With a phone that belongs to several accounts, which one: the problem `choose-account` names them.
    account: Option<String>,
    /// Whether the token is wanted in the answer instead of a cookie.
    #[serde(default)]
    bearer: bool,
}

async fn view(state: &AdminState, session: &hongyan_access::WebSession) -> Result<WebSession> {
    let factors = state.directory.factors(session.account.id).await?;
    let mut kinds = Vec::new();
    if factors.totp.is_some() {
        kinds.push("totp");
    }
    if !factors.passkeys.is_empty() {
        kinds.push("passkey");
    }
    if factors.is_sms_factor() && state.access.has_text_gateway() {
        kinds.push("sms");
    }
    if !factors.recovery_codes.is_empty() {
        kinds.push("recovery-code");
    }
    Ok(WebSession {
        id: session.id.to_string(),
        account: session.account.address.to_string(),
        display_name: session.account.display_name.clone(),
        login: session.name.clone(),
        stage: session.stage.label(),
        factors: kinds,
        created_millis: session.created.millis,
        end_millis: session.end.millis,
        proved_millis: session.proved.millis,
        set_up_until_millis: session.set_up_until.map(|at| at.millis),
        exit_page: state.directory.exit_page(session.account.tenant).await?,
    })
}

/// An answer that nobody keeps on the way.
fn private(status: StatusCode, body: impl Serialize) -> Response {
    let private = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, private, Json(body)).into_response()
}

/// With what the browser keeps.
fn with_cookie(mut response: Response, name: &str, value: &str, secs: u64) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(&cookie(name, value, secs)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn secs_until(end_millis: i64, now_millis: i64) -> u64 {
    u64::try_from(end_millis.saturating_sub(now_millis) / 1_000).unwrap_or(0)
}

/// Signs in with a password or a passkey. The session may still lack the second factor: see `stage`.
#[utoipa::path(post, path = "/api/session", request_body = Begin, responses((status = 201, body = Begun), Failure))]
pub(crate) async fn begin(guest: Guest, Body(asked): Body<Begin>) -> Result<Response> {
    let visit = Visit {
        peer: guest.peer,
        client: &guest.client,
        device: guest.device.as_ref().map(Secret::reveal),
    };
    let access = &guest.state.access;
    let by_phone = asked.phone.as_deref().zip(asked.code.as_deref());
    let begun = match (asked.login, asked.password, asked.passkey) {
        (None, None, None) if by_phone.is_some() => {
            let (phone, code) = by_phone.unwrap_or_default();
            access
                .web_sign_in_by_phone(phone, code, asked.account.as_deref(), visit)
                .await?
        }
        (Some(login), Some(password), None) => access.web_sign_in(&login, &Secret::new(password.0), visit).await?,
        (None, None, Some(passkey)) => access.web_sign_in_by_passkey(passkey.get(), visit).await?,
        _ => {
            return Err(Problem::invalid(
                "show login and password, or a passkey, or phone and code",
            ));
        }
    };
    let secs = secs_until(begun.session.end.millis, access.now().millis);
    let token = begun.token.reveal();
    let body = Begun {
        session: view(&guest.state, &begun.session).await?,
        token: asked.bearer.then(|| token.to_owned()),
    };
    let response = private(StatusCode::CREATED, body);
    Ok(match asked.bearer {
        true => response,
        false => with_cookie(response, SESSION_COOKIE, token, secs),
    })
}

/// The session that the request is part of.
#[utoipa::path(get, path = "/api/session", responses((status = 200, body = WebSession), Failure))]
pub(crate) async fn show(guest: Guest) -> Result<Response> {
    let session = guest.session().await?;
    Ok(private(StatusCode::OK, view(&guest.state, &session).await?))
}

/// Signs out. Trusted devices stay trusted.
#[utoipa::path(delete, path = "/api/session", responses((status = 204), Failure))]
pub(crate) async fn end(guest: Guest) -> Result<Response> {
    guest.state.access.end_web_session(guest.token()?).await?;
    Ok(with_cookie(
        StatusCode::NO_CONTENT.into_response(),
        SESSION_COOKIE,
        "",
        0,
    ))
}

/// With what a trusted device keeps.
fn with_device(response: Response, device: Option<&Secret>, days: u32) -> Response {
    match device {
        Some(device) => with_cookie(response, DEVICE_COOKIE, device.reveal(), u64::from(days) * 86_400),
        None => response,
    }
}
