//! /sso: the way to the provider of an organisation and back, and the end of sessions. What is of SAML alone is in `saml`.
//!
//! A browser follows no answer to a form to another site (the pages' own policy), so it is led there by a page in between.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hongyan_access::{AccessError, SESSION_COOKIE, Visit, cookie};
use hongyan_openid::{Arrival, Arrived, Departure, OpenId, OpenIdError, Wish};
use hongyan_saml::{Fault, SamlError};
use hongyan_sasl::Secret;
use hongyan_types::TenantId;
use serde_json::json;

use crate::Oauth;
use crate::end_point::Posted;
use crate::form::Fields;
use crate::identity::exit_page;
use crate::look::Pages;
use crate::page::see_other;
use crate::page_request::PageRequest;
use crate::saml_logout;
use crate::text::Words;

const START_PATH: &str = "/sso/start";

pub(crate) fn routes() -> Router<Oauth> {
    Router::new()
        .route(START_PATH, get(start).post(link))
        .route(hongyan_openid::CALLBACK_PATH, get(arrive))
        .route("/sso/logout", post(leave))
        .route(
            &format!("{}/{{organisation}}", hongyan_openid::LOGOUT_PATH),
            post(logged_out),
        )
}

fn need(oauth: &Oauth) -> Result<&OpenId, OpenIdError> {
    oauth.single_sign_on.as_ref().ok_or(OpenIdError::NoProvider)
}

/// Sends somebody to the provider of an organisation; one of SAML comes before one of OpenID Connect.
pub(crate) async fn depart(oauth: &Oauth, tenant: TenantId, wish: Wish<'_>) -> Result<Departure, SamlError> {
    if let Some(saml) = &oauth.saml {
        match saml.depart(tenant, wish.clone()).await {
            Err(SamlError::SignIn(OpenIdError::NoProvider)) => {}
            departure => return departure,
        }
    }
    Ok(need(oauth)?.depart(tenant, wish).await?)
}

/// The page that leads to a provider.
pub(crate) fn lead(pages: &Pages, departure: &Departure) -> Response {
    let (name, value, secs) = &departure.cookie;
    let page = pages
        .page(Words::SingleSignOn)
        .text(&departure.label)
        .going_to(&departure.location)
        .answer(StatusCode::OK);
    with_cookie(page, &cookie(name, value, *secs))
}

pub(crate) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The page that says why it does not work.
pub(crate) fn failed(pages: &Pages, error: &SamlError) -> Response {
    let (words, detail) = match error {
        SamlError::SignIn(error) => return refused(pages, error),
        SamlError::NoApplication => (Words::UnknownClient, String::new()),
        SamlError::Provider(Fault::Status(code)) => (Words::SsoDenied, code.clone()),
        SamlError::Provider(fault) => (Words::SsoProvider, fault.to_string()),
    };
    let page = pages.page(Words::Refused).say(words).text(&detail);
    page.link_home().answer(StatusCode::FORBIDDEN)
}

fn refused(pages: &Pages, error: &OpenIdError) -> Response {
    let (words, detail) = match error {
        OpenIdError::NoProvider => (Words::SsoNone, None),
        OpenIdError::Attempt => (Words::SsoAttempt, None),
        OpenIdError::Denied(code) => (Words::SsoDenied, Some(code.clone())),
        OpenIdError::Provider(fault) => (Words::SsoProvider, Some(fault.to_string())),
        OpenIdError::Nobody(who) => (Words::SsoNobody, Some(who.clone())),
        OpenIdError::Taken => (Words::SsoTaken, None),
        OpenIdError::Sealed(_) => (Words::SsoSealed, None),
        OpenIdError::Overloaded => (Words::SsoOverloaded, None),
        OpenIdError::Access(error) => (Words::SsoRefused, Some(pages.language.error(error))),
    };
    let status = match error.is_temporary() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::FORBIDDEN,
    };
    let page = pages.page(Words::Refused).say(words);
    let page = match detail {
        Some(detail) => page.text(&detail),
        None => page,
    };
    page.link_home().answer(status)
}

/// A browser that wants to sign in: `login` or `organisation` says where, `return` where to go then, `prove` asks for a fresh proof.
async fn start(request: PageRequest) -> Response {
    let oauth = &request.oauth;
    let fields = request.query();
    let mut pages = request.pages(&fields).await;
    let departure = async {
        let (login, organisation) = (fields.value("login"), fields.value("organisation"));
        let tenant = need(oauth)?.organisation(login, organisation).await?;
        pages = pages.clone().of_organisation(oauth, tenant).await;
        let wish = Wish {
            back: fields.value("return").unwrap_or("/"),
            link: None,
            prove: fields.value("prove").is_some(),
            login,
        };
        depart(oauth, tenant, wish).await
    };
    match departure.await {
        Ok(departure) => lead(&pages, &departure),
        Err(error) => failed(&pages, &error),
    }
}

/// Whoever is signed in wants their account linked. Posted, so that no other site begins it; with a fresh proof.
async fn link(request: PageRequest, Posted(fields): Posted) -> Response {
    let oauth = &request.oauth;
    let (pages, _) = request.visited(&fields).await;
    let departure = async {
        let session = oauth.access.web_proved(request.token(), request.guest.peer).await;
        let session = session.map_err(OpenIdError::from)?;
        let wish = Wish {
            back: fields.value("return").unwrap_or("/"),
            link: Some(session.account.id),
            prove: false,
            login: None,
        };
        depart(oauth, session.account.tenant, wish).await
    };
    match departure.await {
        Ok(departure) => lead(&pages, &departure),
        Err(error) => failed(&pages, &error),
    }
}

/// What the browser kept under a name.
pub(crate) fn kept<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    let pairs = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A browser that comes back.
async fn arrive(request: PageRequest) -> Response {
    let (oauth, guest) = (&request.oauth, &request.guest);
    let fields = request.query();
    let state = fields.value("state").unwrap_or_default();
    let name = OpenId::cookie_name(state);
    let arrival = Arrival {
        state,
        sealed: kept(&request.headers, &name).unwrap_or_default(),
        code: fields.value("code"),
        error: fields.value("error"),
        issuer: fields.value("iss"),
        visit: Visit {
            peer: guest.peer,
            client: &guest.client,
            device: None,
        },
        session: guest.token.as_ref().map(Secret::reveal),
    };
    let arrived = match need(oauth) {
        Ok(sso) => sso.arrive(arrival).await,
        Err(error) => Err(error),
    };
    let is_known = !arrival.sealed.is_empty();
    let say = async |error: &OpenIdError| {
        let pages = request.pages(&fields).await;
        let of = need(oauth).ok().and_then(|sso| sso.organisation_of(&arrival));
        match of {
            Some(tenant) => refused(&pages.of_organisation(oauth, tenant).await, error),
            None => refused(&pages, error),
        }
    };
    // What was kept has done its work, whatever came of it.
    let forget = cookie(&name, "", 0);
    match arrived {
        Ok(arrived) => go_on(oauth, arrived, forget),
        Err(error) if is_known => with_cookie(say(&error).await, &forget),
        Err(error) => say(&error).await,
    }
}

/// Whoever was let in goes where they wanted to; `forget` is the cookie that has done its work.
pub(crate) fn go_on(oauth: &Oauth, arrived: Arrived, forget: String) -> Response {
    match arrived {
        Arrived::SignedIn { begun, back } => {
            let millis = begun.session.end.millis.saturating_sub(oauth.access.now().millis);
            let secs = u64::try_from(millis / 1_000).unwrap_or(0);
            see_other(&back, &[forget, cookie(SESSION_COOKIE, begun.token.reveal(), secs)])
        }
        Arrived::Linked { back } => see_other(&back, &[forget]),
    }
}

/// Signs out here, at applications that were told of the session, and at the provider.
async fn leave(request: PageRequest) -> Response {
    let oauth = &request.oauth;
    let (pages, _) = request.visited(&Fields::default()).await;
    let left = async {
        let sso = need(oauth)?;
        let session = oauth.access.web_session(request.token(), request.guest.peer).await?;
        let parties = saml_logout::parties(oauth, &session).await;
        let place = sso.leave(request.token(), &session).await?;
        let place = match place {
            Some(place) => Some(place),
            None => exit_page(oauth, &session).await,
        };
        let round = saml_logout::go(oauth, &session, parties, place.as_deref()).await;
        Ok::<_, OpenIdError>((place, round))
    };
    let forget = cookie(SESSION_COOKIE, "", 0);
    let left = match left.await {
        Ok((_, Some(round))) => return round,
        Ok((place, None)) => Ok(place),
        Err(error) => Err(error),
    };
    match left {
        Ok(Some(place)) => {
            let page = pages.page(Words::SignedOut).going_to(&place);
            with_cookie(page.answer(StatusCode::OK), &forget)
        }
        Ok(None) | Err(OpenIdError::Access(AccessError::NotSignedIn)) => see_other("/", &[forget]),
        Err(error) => refused(&pages, &error),
    }
}

/// A provider says that somebody's sessions are over (Back-Channel Logout 1.0 §2.5, §2.8).
async fn logged_out(State(oauth): State<Oauth>, Path(organisation): Path<String>, posted: Posted) -> Response {
    let ended = async {
        let sso = need(&oauth)?;
        let tenant = organisation
            .parse()
            .map(TenantId)
            .map_err(|_| OpenIdError::NoProvider)?;
        let token = posted.0.value("logout_token").unwrap_or_default();
        sso.back_channel_logout(tenant, token).await
    };
    let private = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match ended.await {
        Ok(_) => (StatusCode::OK, private).into_response(),
        Err(error) => {
            let status = match &error {
                OpenIdError::Overloaded | OpenIdError::Access(_) | OpenIdError::Sealed(_) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                _ => StatusCode::BAD_REQUEST,
            };
            let body = json!({"error": "invalid_request", "error_description": error.text()});
            (status, private, Json(body)).into_response()
        }
    }
}
