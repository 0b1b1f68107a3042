//! /oauth/authorize: a client has sent the browser here, and wants it back with a code (RFC 6749 §4.1).
//!
//! Nobody is sent anywhere before client and place are known to belong together; after that, what is wrong is told to the
//! client (RFC 6749 §4.1.2.1). All forms carry the whole request, which is checked again each time: there is no state here.

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::{AuthorizationRequest, OauthClient, OauthError, Stage, WebSession};

use crate::Oauth;
use crate::end_point::Posted;
use crate::form::Fields;
use crate::look::{DOMAIN_HINT, Pages};
use crate::page::{Form, see_other};
use crate::page_request::PageRequest;
use crate::text::Words;
use crate::visit::Visitor;

pub(crate) const PATH: &str = "/oauth/authorize";
/// What a request consists of.
const CARRIED: [&str; 12] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "prompt",
    "max_age",
    "login_hint",
    DOMAIN_HINT,
];
/// What we answer, and not what was asked (OpenID Connect Core 1.0 §3.1.2.6).
const UNSUPPORTED: [(&str, &str); 3] = [
    ("request", "request_not_supported"),
    ("request_uri", "request_uri_not_supported"),
    ("registration", "registration_not_supported"),
];
const NONCE_OCTETS_MAX: usize = 512;

/// What the member is to be shown (OpenID Connect Core 1.0 §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Prompt {
    nothing: bool,
    login: bool,
    consent: bool,
}

impl Prompt {
    fn read(text: Option<&str>) -> Option<Self> {
        let mut prompt = Self::default();
        let words: Vec<&str> = text
            .unwrap_or_default()
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect();
        for word in &words {
            match *word {
                "none" => prompt.nothing = true,
                "login" => prompt.login = true,
                "consent" | "select_account" => prompt.consent = true,
                _ => return None,
            }
        }
        (!prompt.nothing || words.len() == 1).then_some(prompt)
    }
}

/// A client's wish, checked.
struct Wish {
    client: OauthClient,
    asked: AuthorizationRequest,
    state: Option<String>,
    prompt: Prompt,
    /// How long ago the member may have proved who they are, in seconds.
    age_max: Option<i64>,
}

fn carried(fields: &Fields) -> Fields {
    let mut carried = Fields::default();
    for name in CARRIED {
        if let Some(value) = fields.value(name) {
            carried.push(name, value);
        }
    }
    carried
}

/// Sends the browser back to the client with an answer (RFC 6749 §4.1.2, RFC 9207 §2).
fn back(oauth: &Oauth, redirect: &str, state: Option<&str>, answer: &[(&str, &str)]) -> Response {
    let mut fields = Fields::default();
    for (name, value) in answer {
        fields.push(name, *value);
    }
    if let Some(state) = state {
        fields.push("state", state);
    }
    fields.push("iss", &*oauth.issuer);
    let sign = if redirect.contains('?') { '&' } else { '?' };
    see_other(&format!("{redirect}{sign}{}", fields.write()), &[])
}

impl Wish {
    async fn read(oauth: &Oauth, fields: &Fields, pages: &Pages) -> Result<Self, Response> {
        let unknown = || pages.refuse(Words::UnknownClient);
        let client = match oauth
            .access
            .oauth_client(fields.value("client_id").unwrap_or_default())
            .await
        {
            Ok(client) => client,
            Err(OauthError::InvalidClient) => return Err(unknown()),
            Err(error) => {
                tracing::warn!(%error, "an OAuth client cannot be looked up");
                return Err(pages.page(Words::Refused).answer(StatusCode::SERVICE_UNAVAILABLE));
            }
        };
        let redirect = fields.value("redirect_uri").unwrap_or_default().to_owned();
        if !client.is_sent_to(&redirect) {
            return Err(pages.refuse(Words::UnknownRedirect));
        }
        let state = fields.value("state").map(str::to_owned);
        let wrong = |code: &str, what: &str| {
            let answer = [("error", code), ("error_description", what)];
            back(oauth, &redirect, state.as_deref(), &answer)
        };
        if fields.value("response_type") != Some("code") {
            return Err(wrong("unsupported_response_type", "response_type is code"));
        }
        let challenge = fields.value("code_challenge").unwrap_or_default();
        if fields.value("code_challenge_method") != Some("S256") || challenge.len() != 43 {
            return Err(wrong("invalid_request", "PKCE with S256 is required"));
        }
        if let Some((_, code)) = UNSUPPORTED.iter().find(|(name, _)| fields.value(name).is_some()) {
            return Err(wrong(code, "requests are sent as they are"));
        }
        if fields.value("response_mode").is_some_and(|mode| mode != "query") {
            return Err(wrong("invalid_request", "response_mode is query"));
        }
        let nonce = fields.value("nonce").map(str::to_owned);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > NONCE_OCTETS_MAX) {
            return Err(wrong("invalid_request", "nonce has at most 512 octets"));
        }
        let Some(prompt) = Prompt::read(fields.value("prompt")) else {
            return Err(wrong(
                "invalid_request",
                "prompt is none, or some of login, consent and select_account",
            ));
        };
        let age_max = fields.value("max_age").map(str::parse::<u32>).transpose();
        let age_max = age_max.map_err(|_| wrong("invalid_request", "max_age is a number of seconds"))?;
        let scope = client.scope_of(fields.value("scope"));
        let scope = scope.map_err(|error| wrong(error.code(), &error.to_string()))?;
        let asked = AuthorizationRequest {
            client: client.id.clone(),
            redirect: redirect.clone(),
            scope,
            challenge: challenge.to_owned(),
            nonce,
        };
        Ok(Self {
            client,
            asked,
            state,
            prompt,
            age_max: age_max.map(i64::from),
        })
    }

    fn answer(&self, oauth: &Oauth, answer: &[(&str, &str)]) -> Response {
        back(oauth, &self.asked.redirect, self.state.as_deref(), answer)
    }

    /// Whether the member has to prove anew who they are.
    fn asks_anew(&self, oauth: &Oauth, session: &WebSession) -> bool {
        let age_millis = oauth.access.now().millis.saturating_sub(session.proved.millis);
        self.prompt.login || self.age_max.is_some_and(|max| age_millis > max.saturating_mul(1_000))
    }

    /// Whether the member is asked: not again who they are, and not by an application of their own organisation.
    async fn asks_consent(&self, oauth: &Oauth, session: &WebSession) -> bool {
        let scope = &self.asked.scope;
        if self.prompt.consent || !scope.is_identity() {
            return true;
        }
        if self.client.party.tenant.is_some() {
            return false;
        }
        let granted = oauth.access.oauth_grants(session.account.id).await.unwrap_or_default();
        let mut granted = granted.iter().filter(|grant| grant.client == self.client.id);
        !granted.any(|grant| scope.is_within(&grant.scope))
    }
}

/// The page.
pub(crate) async fn show(request: PageRequest) -> Response {
    let fields = Fields::read(request.raw_query());
    let known = fields.clone().unwrap_or_default();
    let pages = request.pages(&known).await;
    let Some(fields) = fields else {
        return pages.refuse(Words::UnknownClient);
    };
    match Wish::read(&request.oauth, &fields, &pages).await {
        Ok(wish) => consent(&request.visitor(pages, PATH, carried(&fields)), &wish).await,
        Err(answer) => answer,
    }
}

/// The answer to a client that wants none to be shown: a code, or why it gets none.
async fn silent(visitor: &Visitor<'_>, wish: &Wish) -> Response {
    let oauth = visitor.oauth;
    let error = |code: &str| wish.answer(oauth, &[("error", code)]);
    let decider = visitor.decider();
    let session = match oauth.access.web_session(decider.token, decider.peer).await {
        Ok(session) => session,
        Err(failed) if failed.is_temporary() => return error("temporarily_unavailable"),
        Err(_) => return error("login_required"),
    };
    if session.stage != Stage::SignedIn {
        return error("interaction_required");
    }
    if !wish.client.is_for(session.account.tenant) {
        return error("access_denied");
    }
    if wish.asks_anew(oauth, &session) {
        return error("login_required");
    }
    if wish.asks_consent(oauth, &session).await {
        return error("consent_required");
    }
    match oauth.access.oauth_code(decider, &wish.asked).await {
        Ok(code) => wish.answer(oauth, &[("code", code.reveal())]),
        Err(OauthError::Access(failed)) if !failed.is_temporary() => error("login_required"),
        Err(failed) => error(failed.code()),
    }
}

/// A code for whoever is signed in.
async fn issue(visitor: &Visitor<'_>, wish: &Wish) -> Response {
    let oauth = visitor.oauth;
    match oauth.access.oauth_code(visitor.decider(), &wish.asked).await {
        Ok(code) => wish.answer(oauth, &[("code", code.reveal())]),
        Err(OauthError::Access(error)) if !error.is_temporary() => visitor.refused(&error).await,
        Err(error) => wish.answer(oauth, &[("error", error.code())]),
    }
}

fn foreign(visitor: &Visitor<'_>) -> Response {
    let form = Form::default().text_button("switch", Words::OtherAccount);
    visitor
        .page(visitor.language.say(Words::Refused))
        .say(Words::ForeignClient)
        .form(PATH, &visitor.carried, &form)
        .answer(StatusCode::FORBIDDEN)
}

async fn consent(visitor: &Visitor<'_>, wish: &Wish) -> Response {
    if wish.prompt.nothing {
        return silent(visitor, wish).await;
    }
    let session = match visitor.session().await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    if !wish.client.is_for(session.account.tenant) {
        return foreign(visitor);
    }
    if wish.asks_anew(visitor.oauth, &session) {
        return visitor.ask_proof(None).await;
    }
    if !wish.asks_consent(visitor.oauth, &session).await {
        return issue(visitor, wish).await;
    }
    let language = visitor.language;
    let title = format!("{} {}", wish.client.name, language.say(Words::WantsAccess));
    let form = Form::default()
        .text_button("switch", Words::OtherAccount)
        .button("deny", Words::Deny)
        .main_button("allow", Words::Allow);
    let who = format!("{} {}", language.say(Words::SignedInAs), session.account.address);
    visitor
        .page(title)
        .leading_to(&wish.asked.redirect)
        .text(&who)
        .list(&language.scope(&wish.asked.scope))
        .hint(Words::AllowHint)
        .form(PATH, &visitor.carried, &form)
        .answer(StatusCode::OK)
}

/// A form of the page.
pub(crate) async fn decide(request: PageRequest, Posted(fields): Posted) -> Response {
    let pages = request.pages(&fields).await;
    let wish = match Wish::read(&request.oauth, &fields, &pages).await {
        Ok(wish) => wish,
        Err(answer) => return answer,
    };
    let visitor = request.visitor(pages, PATH, carried(&fields));
    if let Some(answer) = visitor.step(&fields).await {
        return answer;
    }
    match fields.value("step") {
        Some("deny") => wish.answer(&request.oauth, &[("error", "access_denied")]),
        // Whoever has to prove who they are is shown the page for that.
        Some("allow") if !wish.prompt.login && wish.age_max.is_none() => issue(&visitor, &wish).await,
        _ => consent(&visitor, &wish).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_read() {
        let check = |text: &str, expect: Option<(bool, bool, bool)>| {
            let prompt = Prompt::read(Some(text));
            let read = prompt.map(|prompt| (prompt.nothing, prompt.login, prompt.consent));
            assert_eq!(read, expect, "{text}");
        };
        check("", Some((false, false, false)));
        check("none", Some((true, false, false)));
        check("login consent", Some((false, true, true)));
        check("select_account", Some((false, false, true)));
        check("none login", None);
        check("create", None);
    }
}
