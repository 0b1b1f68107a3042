//! /sso/saml: the pages of an identity provider. Applications of an organisation send browsers here to hear who their member is, and
//! portals send them from here to applications.
//!
//! A request may come in a form of another site, with which browsers send no cookie along: it is checked, and the browser goes on here
//! with it sealed. Then somebody signs in as on all pages, and the answer is posted to the place that the application is registered with.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use hongyan_access::Stage;
use hongyan_openid::form;
use hongyan_saml::{Application, CONTINUE_PATH, Errand, Fault, Incoming, PATH, Post, Refusal, SamlError, Taken};

use crate::Oauth;
use crate::end_point::{Posted, posted};
use crate::form::Fields;
use crate::look::Pages;
use crate::page::{Form, see_other};
use crate::page_request::PageRequest;
use crate::saml::{metadata, need, number, pages_of};
use crate::single_sign_on::failed;
use crate::text::Words;
use crate::visit::Visitor;

/// What the pages carry along.
const ERRAND: &str = "errand";

pub(crate) fn routes() -> Router<Oauth> {
    Router::new()
        .route(&format!("{PATH}/{{organisation}}/provider"), get(describe))
        .route(
            &format!("{PATH}/{{organisation}}/sign-in"),
            get(take_query).post(take_form),
        )
        .route(&format!("{PATH}/{{organisation}}/start/{{application}}"), get(start))
        .route(CONTINUE_PATH, get(show).post(decide))
}

/// Who an organisation is to its applications (SAML Metadata §4.1.1).
async fn describe(State(oauth): State<Oauth>, Path(organisation): Path<String>) -> Response {
    let written = async { need(&oauth)?.provider_metadata(number(&organisation)?).await };
    metadata(written.await)
}

fn onward(sealed: &str) -> Response {
    see_other(&format!("{CONTINUE_PATH}?{}", form(&[(ERRAND, sealed)])), &[])
}

/// The page that posts an answer to an application (SAML Bindings §3.5.4).
fn send(pages: &Pages, post: &Post) -> Response {
    let mut fields = Fields::default();
    fields.push("SAMLResponse", post.response.as_str());
    if let Some(state) = &post.relay_state {
        fields.push("RelayState", state.as_str());
    }
    let page = pages.page(Words::SingleSignOn).posting_to(&post.location, &fields);
    page.answer(StatusCode::OK)
}

/// The page that says what is wrong with a request. Nothing goes to the application: nobody knows that it is from there.
pub(crate) fn wrong(pages: &Pages, error: &SamlError) -> Response {
    match error {
        SamlError::Provider(fault) => {
            let page = pages.page(Words::Refused).say(Words::SamlRequest);
            page.text(&fault.to_string()).answer(StatusCode::BAD_REQUEST)
        }
        SamlError::NoApplication => pages.refuse(Words::UnknownClient),
        error => failed(pages, error),
    }
}

async fn answer(page: &PageRequest, organisation: &str, taken: Result<Taken, SamlError>) -> Response {
    if let Ok(Taken::Onward(sealed)) = &taken {
        return onward(sealed);
    }
    let pages = pages_of(page, organisation).await;
    match taken {
        Ok(Taken::Back(post)) => send(&pages, &post),
        Ok(Taken::Onward(sealed)) => onward(&sealed),
        Err(error) => wrong(&pages, &error),
    }
}

/// A request by HTTP-Redirect (SAML Bindings §3.4).
async fn take_query(page: PageRequest, Path(organisation): Path<String>) -> Response {
    let taken = async {
        let incoming = Incoming::Redirect(page.raw_query());
        need(&page.oauth)?.take_request(number(&organisation)?, incoming).await
    };
    let taken = taken.await;
    answer(&page, &organisation, taken).await
}

/// A request by HTTP-POST (SAML Bindings §3.5).
async fn take_form(page: PageRequest, Path(organisation): Path<String>, request: Request<Body>) -> Response {
    let taken = async {
        let (saml, tenant) = (need(&page.oauth)?, number(&organisation)?);
        // Base64 takes four letters for three octets, and a form three letters for some of those.
        let fields = posted(request, saml.response_octets_max().saturating_mul(2)).await;
        let fields = fields.ok_or(Fault::Unreadable("it is no form, or a long one"))?;
        let message = fields.value("SAMLRequest");
        let incoming = Incoming::Post {
            message: message.ok_or(Fault::Unreadable("there is no request"))?,
            relay_state: fields.value("RelayState"),
        };
        saml.take_request(tenant, incoming).await
    };
    let taken = taken.await;
    answer(&page, &organisation, taken).await
}

/// From a portal to an application, which has asked for nothing (SAML Profiles §4.1.5).
async fn start(page: PageRequest, Path((organisation, application)): Path<(String, String)>) -> Response {
    let fields = page.query();
    let begun = async {
        let state = fields.value("RelayState");
        let saml = need(&page.oauth)?;
        let sealed = saml.start(number(&organisation)?, &application, state).await?;
        Ok(Taken::Onward(sealed))
    };
    let begun = begun.await;
    answer(&page, &organisation, begun).await
}

/// A browser with an errand, and the application that it is for.
struct Sent<'v> {
    visitor: Visitor<'v>,
    errand: Errand,
    application: Application,
}

async fn sent<'v>(request: &'v PageRequest, fields: &Fields) -> Result<Sent<'v>, Response> {
    let pages = request.pages(fields).await;
    let sealed = fields.value(ERRAND).unwrap_or_default();
    let found = async { need(&request.oauth)?.errand(sealed).await };
    let (errand, application) = found.await.map_err(|error| wrong(&pages, &error))?;
    let pages = pages.of_organisation(&request.oauth, errand.tenant()).await;
    let mut carried = Fields::default();
    carried.push(ERRAND, sealed);
    Ok(Sent {
        visitor: request.visitor(pages, CONTINUE_PATH, carried),
        errand,
        application,
    })
}

impl Sent<'_> {
    /// To the application, with who is signed in; or the page that leads there.
    async fn follow(&self) -> Response {
        let (visitor, errand) = (&self.visitor, &self.errand);
        let access = &visitor.oauth.access;
        if errand.is_passive() {
            let decider = visitor.decider();
            let session = access.web_session(decider.token, decider.peer).await;
            let is_ready = session.is_ok_and(|session| session.stage == Stage::SignedIn && !errand.asks_anew(&session));
            if !is_ready {
                return self.refuse(Refusal::NoPassive).await;
            }
        }
        let session = match visitor.session().await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        if session.account.tenant != errand.tenant() {
            return self.foreign();
        }
        if errand.asks_anew(&session) {
            return visitor.ask_proof(None).await;
        }
        let present = match access.present(visitor.decider()).await {
            Ok(present) => present,
            Err(error) => return visitor.refused(&error).await,
        };
        let answered = async {
            let saml = need(visitor.oauth)?;
            saml.answer(errand, &self.application, &present).await
        };
        self.sent(answered.await)
    }

    async fn refuse(&self, refusal: Refusal) -> Response {
        let refused = async { need(self.visitor.oauth)?.refuse(&self.errand, refusal).await };
        self.sent(refused.await)
    }

    fn sent(&self, post: Result<Post, SamlError>) -> Response {
        let pages = self.visitor.pages();
        match post {
            Ok(post) => send(&pages, &post),
            Err(error) => wrong(&pages, &error),
        }
    }

    /// Whoever is signed in is another organisation's member: they may use another account, and nobody hears of them.
    fn foreign(&self) -> Response {
        let visitor = &self.visitor;
        let form = Form::default().text_button("switch", Words::OtherAccount);
        visitor
            .page(visitor.language.say(Words::Refused))
            .say(Words::ForeignClient)
            .form(CONTINUE_PATH, &visitor.carried, &form)
            .answer(StatusCode::FORBIDDEN)
    }
}

/// The page.
async fn show(request: PageRequest) -> Response {
    match sent(&request, &request.query()).await {
        Ok(sent) => sent.follow().await,
        Err(answer) => answer,
    }
}

/// A form of the page.
async fn decide(request: PageRequest, Posted(fields): Posted) -> Response {
    let sent = match sent(&request, &fields).await {
        Ok(sent) => sent,
        Err(answer) => return answer,
    };
    match sent.visitor.step(&fields).await {
        Some(answer) => answer,
        None => sent.follow().await,
    }
}
