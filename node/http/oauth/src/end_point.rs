//! What clients call: /oauth/token, /oauth/device_authorization, /oauth/revoke, /oauth/introspect. Forms in, JSON out.

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_access::permission::{Action, Object, permit};
use hongyan_access::{CodeShown, Guest, OauthClient, OauthError, Tokens, is_token};
use serde_json::{Value, json};

use crate::form::{Fields, OCTETS_MAX, decode};
use crate::metadata::DEVICE_GRANT;
use crate::{Oauth, device};

/// The fields of a form that was posted.
pub(crate) struct Posted(pub(crate) Fields);

impl<S: Sync> FromRequest<S> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Response> {
        let wrong = || {
            refusal(&OauthError::InvalidRequest(
                "the body is not a form, or too long, or names a field twice",
            ))
        };
        posted(request, OCTETS_MAX).await.map(Self).ok_or_else(wrong)
    }
}

/// The fields of a form; nothing when the body is none, or has more than `octets_max`.
pub(crate) async fn posted(request: Request<Body>, octets_max: usize) -> Option<Fields> {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    let octets = axum::body::to_bytes(request.into_body(), octets_max).await.ok()?;
    Fields::read_within(std::str::from_utf8(&octets).ok()?, octets_max)
}

pub(crate) fn private(status: StatusCode, body: Value) -> Response {
    let private = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, private, Json(body)).into_response()
}

/// RFC 6749 §5.2
pub(crate) fn refusal(error: &OauthError) -> Response {
    let status = match error.code() {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let text = match error {
        OauthError::Access(error) => error.text(),
        other => other.to_string(),
    };
    let mut response = private(status, json!({"error": error.code(), "error_description": text}));
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"OAuth\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn needed<'f>(fields: &'f Fields, name: &str, missing: &'static str) -> Result<&'f str, OauthError> {
    fields.value(name).ok_or(OauthError::InvalidRequest(missing))
}

/// Name and secret in the way of RFC 6749 §2.3.1: each is a field of a form.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let octets = STANDARD.decode(rest.trim()).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

/// The client that asks, once it has proved itself in one way where it has to.
async fn client(oauth: &Oauth, headers: &HeaderMap, fields: &Fields) -> Result<OauthClient, OauthError> {
    let named = fields.value("client_id");
    if !headers.contains_key(header::AUTHORIZATION) {
        let id = named.ok_or(OauthError::InvalidClient)?;
        return oauth.access.oauth_prove_client(id, fields.value("client_secret")).await;
    }
    let (id, secret) = basic(headers).ok_or(OauthError::InvalidClient)?;
    if fields.value("client_secret").is_some() || named.is_some_and(|named| named != id) {
        return Err(OauthError::InvalidRequest(
            "a client proves itself once, and by one name",
        ));
    }
    let secret = Some(secret.as_str()).filter(|secret| !secret.is_empty());
    oauth.access.oauth_prove_client(&id, secret).await
}

async fn answer(oauth: &Oauth, granted: Result<(OauthClient, Tokens), OauthError>) -> Response {
    let shown = async {
        let (client, tokens) = granted?;
        let mut body = json!({
            "access_token": tokens.access.reveal(),
            "token_type": "Bearer",
            "expires_in": tokens.access_secs,
            "refresh_token": tokens.refresh.reveal(),
            "scope": tokens.scope.to_string(),
        });
        if let Some(token) = oauth.access.oauth_id_token(&oauth.issuer, &client.id, &tokens).await? {
            body["id_token"] = json!(token.reveal());
        }
        Ok::<_, OauthError>(body)
    };
    match shown.await {
        Ok(body) => private(StatusCode::OK, body),
        Err(error) => refusal(&error),
    }
}

/// Tokens for a code, a refresh token or a device (RFC 6749 §4.1.3, §6; RFC 8628 §3.4).
pub(crate) async fn token(
    State(oauth): State<Oauth>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    Posted(fields): Posted,
) -> Response {
    if fields.value("grant_type").is_some_and(|grant| !KNOWN.contains(&grant)) {
        let words = "grant_type is authorization_code, refresh_token or that of devices";
        let body = json!({"error": "unsupported_grant_type", "error_description": words});
        return private(StatusCode::BAD_REQUEST, body);
    }
    answer(&oauth, grant(&oauth, &guest, &headers, &fields).await).await
}

const KNOWN: [&str; 3] = ["authorization_code", "refresh_token", DEVICE_GRANT];

async fn grant(
    oauth: &Oauth,
    guest: &Guest,
    headers: &HeaderMap,
    fields: &Fields,
) -> Result<(OauthClient, Tokens), OauthError> {
    let access = &oauth.access;
    let kind = needed(fields, "grant_type", "grant_type is missing")?;
    let proved = client(oauth, headers, fields).await?;
    let client = proved.id.as_str();
    let tokens = match kind {
        "authorization_code" => {
            let shown = CodeShown {
                client,
                code: needed(fields, "code", "code is missing")?,
                redirect: needed(fields, "redirect_uri", "redirect_uri is missing")?,
                verifier: needed(fields, "code_verifier", "code_verifier is missing")?,
            };
            access.oauth_redeem(shown, guest.peer).await
        }
        "refresh_token" => {
            let token = needed(fields, "refresh_token", "refresh_token is missing")?;
            access.oauth_refresh(client, token, fields.value("scope")).await
        }
        _ => {
            let code = needed(fields, "device_code", "device_code is missing")?;
            access.oauth_poll_device(client, code, guest.peer).await
        }
    }?;
    Ok((proved, tokens))
}

/// A device begins (RFC 8628 §3.1).
pub(crate) async fn device_authorization(
    State(oauth): State<Oauth>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    Posted(fields): Posted,
) -> Response {
    let begun = async {
        let client = client(&oauth, &headers, &fields).await?;
        oauth
            .access
            .oauth_begin_device(&client.id, fields.value("scope"), guest.peer)
            .await
    };
    match begun.await {
        Ok(offer) => {
            let page = format!("{}{}", oauth.issuer, device::PATH);
            private(
                StatusCode::OK,
                json!({
                    "device_code": offer.device_code.reveal(),
                    "user_code": offer.user_code,
                    "verification_uri": page,
                    "verification_uri_complete": format!("{page}?user_code={}", offer.user_code),
                    "expires_in": offer.secs,
                    "interval": offer.interval_secs,
                }),
            )
        }
        Err(error) => refusal(&error),
    }
}

/// A client gives a token back (RFC 7009 §2).
pub(crate) async fn revoke(State(oauth): State<Oauth>, headers: HeaderMap, Posted(fields): Posted) -> Response {
    let given = async {
        let client = client(&oauth, &headers, &fields).await?;
        let token = needed(&fields, "token", "token is missing")?;
        oauth.access.oauth_give_back(&client.id, token).await
    };
    match given.await {
        Ok(()) => private(StatusCode::OK, json!({})),
        Err(error) => refusal(&error),
    }
}

/// What a token is good for, to a program that an administrator has given a token of the API (RFC 7662 §2).
pub(crate) async fn introspect(
    State(oauth): State<Oauth>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    Posted(fields): Posted,
) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.split_once(' '));
    let shown = shown
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(shown) = shown.filter(|token| is_token(token)) else {
        return unauthorized();
    };
    let Ok(actor) = oauth.access.token_actor(shown, guest.peer).await else {
        return unauthorized();
    };
    let Some(token) = fields.value("token") else {
        return refusal(&OauthError::InvalidRequest("token is missing"));
    };
    let view = match oauth.access.oauth_introspect(token).await {
        Ok(view) => view,
        Err(error) => return refusal(&error.into()),
    };
    // What is another organisation's is not there.
    let is_seen = |tenant| permit(&actor, Action::ReadOauthTokens, &Object::organisation(tenant)).is_ok();
    private(
        StatusCode::OK,
        match view.filter(|view| is_seen(view.tenant)) {
            None => json!({"active": false}),
            Some(view) => json!({
                "active": true,
                "scope": view.scope.to_string(),
                "client_id": view.client,
                "username": view.username,
                "sub": view.subject,
                "token_type": if view.is_refresh { "refresh_token" } else { "Bearer" },
                "exp": view.end.millis / 1_000,
                "iss": &*oauth.issuer,
            }),
        },
    )
}

fn unauthorized() -> Response {
    let body = json!({"error": "invalid_token", "error_description": "show a token of the admin API"});
    let mut response = private(StatusCode::UNAUTHORIZED, body);
    let challenge = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
