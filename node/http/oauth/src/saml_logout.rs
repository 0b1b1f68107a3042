//! /sso/saml: single logout (SAML Profiles §4.4), as a browser goes round.
//!
//! A message may come in a form of another site, with which browsers send no cookie along: it is checked, and the browser goes on to one
//! page here, by which it comes between one that is told and the next. Where it goes is what administrators have registered.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use hongyan_access::{SESSION_COOKIE, WebSession, cookie};
use hongyan_openid::form;
use hongyan_saml::{
    Counterpart, Fault, Incoming, LEAVE_COOKIE, LEAVE_PATH, Left, Move, PATH, Party, SamlError, Sent, Step,
};

use crate::Oauth;
use crate::end_point::{Posted, posted};
use crate::form::Fields;
use crate::look::Pages;
use crate::page::{Form, see_other};
use crate::page_request::PageRequest;
use crate::saml::{need, number, pages_of};
use crate::saml_application::wrong;
use crate::single_sign_on::{kept, with_cookie};
use crate::text::Words;

/// What a browser brings to the page from the one that takes messages.
const NOTE: &str = "note";

pub(crate) fn routes() -> Router<Oauth> {
    Router::new()
        .route(
            &format!("{PATH}/{{organisation}}/sign-out"),
            get(application_query).post(application_form),
        )
        .route(
            &format!("{PATH}/{{organisation}}/slo"),
            get(provider_query).post(provider_form),
        )
        .route(LEAVE_PATH, get(show).post(decide))
}

async fn application_query(page: PageRequest, organisation: Path<String>) -> Response {
    by_redirect(&page, Counterpart::Application, &organisation).await
}
async fn application_form(page: PageRequest, organisation: Path<String>, request: Request<Body>) -> Response {
    by_post(&page, Counterpart::Application, &organisation, request).await
}
async fn provider_query(page: PageRequest, organisation: Path<String>) -> Response {
    by_redirect(&page, Counterpart::Provider, &organisation).await
}
async fn provider_form(page: PageRequest, organisation: Path<String>, request: Request<Body>) -> Response {
    by_post(&page, Counterpart::Provider, &organisation, request).await
}

/// A message by HTTP-Redirect (SAML Bindings §3.4).
async fn by_redirect(page: &PageRequest, from: Counterpart, organisation: &str) -> Response {
    let query = page.raw_query();
    let is_answer = query.split('&').any(|pair| pair.starts_with("SAMLResponse="));
    let taken = async {
        let saml = need(&page.oauth)?;
        let incoming = Incoming::Redirect(query);
        saml.take_logout(number(organisation)?, from, incoming, is_answer).await
    };
    onward(page, organisation, (taken.await, is_answer)).await
}

/// A message by HTTP-POST (SAML Bindings §3.5).
async fn by_post(page: &PageRequest, from: Counterpart, organisation: &str, request: Request<Body>) -> Response {
    let mut is_answer = false;
    let taken = async {
        let (saml, tenant) = (need(&page.oauth)?, number(organisation)?);
        // Base64 takes four letters for three octets, and a form three letters for some of those.
        let fields = posted(request, saml.response_octets_max().saturating_mul(2)).await;
        let fields = fields.ok_or(Fault::Unreadable("it is no form, or a long one"))?;
        let answer = fields.value("SAMLResponse");
        is_answer = answer.is_some();
        let message = answer.or(fields.value("SAMLRequest"));
        let incoming = Incoming::Post {
            message: message.ok_or(Fault::Unreadable("there is no message"))?,
            relay_state: fields.value("RelayState"),
        };
        saml.take_logout(tenant, from, incoming, is_answer).await
    };
    let taken = taken.await;
    onward(page, organisation, (taken, is_answer)).await
}

async fn onward(
    page: &PageRequest,
    organisation: &str,
    (taken, is_answer): (Result<String, SamlError>, bool),
) -> Response {
    match taken {
        Ok(sealed) => see_other(&format!("{LEAVE_PATH}?{}", form(&[(NOTE, &sealed)])), &[]),
        Err(error) => refused(&pages_of(page, organisation).await, &error, is_answer),
    }
}

/// The page that says what is wrong with a message. Whoever goes round is not left there: the others are still to be told.
fn refused(pages: &Pages, error: &SamlError, is_round: bool) -> Response {
    let SamlError::Provider(fault) = error else {
        return wrong(pages, error);
    };
    let page = pages.page(Words::Refused).say(Words::SloRefused);
    let page = page.text(&fault.to_string());
    let page = match is_round {
        true => {
            let form = Form::default().main_button("look", Words::Continue);
            page.form(LEAVE_PATH, &Fields::default(), &form)
        }
        false => page,
    };
    page.answer(StatusCode::BAD_REQUEST)
}

/// Who was told of a session that is about to end; nobody where that cannot be looked up, for the session ends all the same.
pub(crate) async fn parties(oauth: &Oauth, session: &WebSession) -> Vec<Party> {
    let Some(saml) = &oauth.saml else {
        return Vec::new();
    };
    let found = saml.session_parties(session).await;
    found.unwrap_or_else(|error| {
        tracing::warn!(%error, "who is to hear of the end of a session cannot be looked up");
        Vec::new()
    })
}

/// Begins to go round once somebody has signed out here, and goes to `exit` then; nothing where nobody is to be told.
pub(crate) async fn go(
    oauth: &Oauth,
    session: &WebSession,
    parties: Vec<Party>,
    exit: Option<&str>,
) -> Option<Response> {
    let saml = oauth.saml.as_ref()?;
    match saml.begin_sign_out(session.account.tenant, parties, exit).await {
        Ok(token) => {
            let keep = cookie(LEAVE_COOKIE, &token?, saml.leave_secs());
            Some(see_other(LEAVE_PATH, &[cookie(SESSION_COOKIE, "", 0), keep]))
        }
        Err(error) => {
            tracing::warn!(%error, "nobody can be told of the end of a session");
            None
        }
    }
}

/// Whether a browser is through with it: what it keeps has done its work.
fn is_last(step: &Step) -> bool {
    matches!(step, Step::Done(_)) || matches!(step, Step::Send(_, label) if label.is_empty())
}

/// The page of a step.
fn answer(pages: &Pages, step: Step) -> Response {
    let is_last = is_last(&step);
    let page = match step {
        Step::Send(sent, label) => {
            let page = pages.page(Words::SigningOut);
            let page = match label.as_str() {
                "" => page,
                label => page.say(Words::SloTells).list(&[label]),
            };
            match sent {
                Sent::Redirect(place) => page.going_to(&place),
                Sent::Post {
                    location,
                    field,
                    message,
                    relay_state,
                } => {
                    let mut fields = Fields::default();
                    fields.push(field, message);
                    if let Some(state) = relay_state {
                        fields.push("RelayState", state);
                    }
                    page.posting_to(&location, &fields)
                }
            }
        }
        Step::Waiting(label) => {
            let form = Form::default().main_button("skip", Words::Continue);
            let page = pages.page(Words::SigningOut).say(Words::SloWaits).list(&[&label]);
            page.form(LEAVE_PATH, &Fields::default(), &form)
        }
        Step::Untold(labels) => {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let form = Form::default().main_button("read", Words::Continue);
            let page = pages.page(Words::SignedOut).say(Words::SloUntold).list(&labels);
            let page = page.hint(Words::SloHint);
            page.form(LEAVE_PATH, &Fields::default(), &form)
        }
        Step::Done(Some(place)) => pages.page(Words::SignedOut).going_to(&place),
        Step::Done(None) => pages.page(Words::SignedOut).link_home(),
    };
    let page = page.answer(StatusCode::OK);
    match is_last {
        true => with_cookie(page, &cookie(LEAVE_COOKIE, "", 0)),
        false => page,
    }
}

/// The page, with a message that was taken or without.
async fn show(request: PageRequest) -> Response {
    let fields = request.query();
    let (pages, session) = request.visited(&fields).await;
    let kept = kept(&request.headers, LEAVE_COOKIE).unwrap_or_default();
    let gone = async {
        let saml = need(&request.oauth)?;
        let left = match fields.value(NOTE) {
            Some(sealed) => saml.leave(sealed, session.as_ref(), kept).await?,
            None => Left {
                is_over: false,
                token: None,
            },
        };
        let token = left.token.as_deref().unwrap_or(kept);
        let step = saml.go_round(token, Move::Look).await;
        Ok::<_, SamlError>((left, step))
    };
    let (left, step) = match gone.await {
        Ok(gone) => gone,
        Err(error) => return refused(&pages, &error, !kept.is_empty()),
    };
    let is_through = step.as_ref().is_ok_and(is_last);
    let mut page = match step {
        Ok(step) => answer(&pages, step),
        Err(error) => wrong(&pages, &error),
    };
    if left.is_over {
        page = with_cookie(page, &cookie(SESSION_COOKIE, "", 0));
    }
    match (left.token, need(&request.oauth)) {
        (Some(token), Ok(saml)) if !is_through => with_cookie(page, &cookie(LEAVE_COOKIE, &token, saml.leave_secs())),
        _ => page,
    }
}

/// The form of the page: they have read it, or do not wait.
async fn decide(request: PageRequest, Posted(fields): Posted) -> Response {
    let (pages, _) = request.visited(&fields).await;
    let step = match fields.value("step") {
        Some("skip") => Move::Skip,
        Some("read") => Move::Read,
        _ => Move::Look,
    };
    let kept = kept(&request.headers, LEAVE_COOKIE).unwrap_or_default();
    let gone = async { need(&request.oauth)?.go_round(kept, step).await };
    match gone.await {
        Ok(step) => answer(&pages, step),
        Err(error) => wrong(&pages, &error),
    }
}
