//! /oauth/authorize: a client has sent the browser here, and wants it back with a code (RFC 6749 §4.1).
//!
//! Nobody is sent anywhere before client and place are known to belong together; after that, what is wrong is told to the
//! client (RFC 6749 §4.1.2.1). All forms carry the whole request, which is checked again each time: there is no state here.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hongyan_access::{AuthorizationRequest, Guest, OauthClient, OauthError};

use crate::Oauth;
use crate::end_point::Posted;
use crate::form::Fields;
use crate::page::{Form, Page, see_other};
use crate::text::{Language, Words};
use crate::visit::Visitor;

pub(crate) const PATH: &str = "/oauth/authorize";
/// What a request consists of.
const CARRIED: [&str; 7] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// A client's wish, checked.
struct Wish {
    client: OauthClient,
    asked: AuthorizationRequest,
    state: Option<String>,
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

fn fault(language: Language, words: Words) -> Response {
    Page::new(language, language.say(Words::Refused))
        .say(words)
        .answer(StatusCode::BAD_REQUEST)
}

impl Wish {
    async fn read(oauth: &Oauth, fields: &Fields, language: Language) -> Result<Self, Response> {
        let unknown = || fault(language, Words::UnknownClient);
        let client = match oauth
            .access
            .oauth_client(fields.value("client_id").unwrap_or_default())
            .await
        {
            Ok(client) => client,
            Err(OauthError::InvalidClient) => return Err(unknown()),
            Err(error) => {
                tracing::warn!(%error, "an OAuth client cannot be looked up");
                let page = Page::new(language, language.say(Words::Refused));
                return Err(page.answer(StatusCode::SERVICE_UNAVAILABLE));
            }
        };
        let redirect = fields.value("redirect_uri").unwrap_or_default().to_owned();
        if !client.is_sent_to(&redirect) {
            return Err(fault(language, Words::UnknownRedirect));
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
        let scope = client.scope_of(fields.value("scope"));
        let scope = scope.map_err(|error| wrong(error.code(), &error.to_string()))?;
        let asked = AuthorizationRequest {
            client: client.id.clone(),
            redirect: redirect.clone(),
            scope,
            challenge: challenge.to_owned(),
        };
        Ok(Self { client, asked, state })
    }
}

/// The page.
pub(crate) async fn show(
    State(oauth): State<Oauth>,
    Extension(guest): Extension<Guest>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = Language::of(&headers);
    let Some(fields) = Fields::read(query.as_deref().unwrap_or_default()) else {
        return fault(language, Words::UnknownClient);
    };
    match Wish::read(&oauth, &fields, language).await {
        Ok(wish) => consent(&visitor(&oauth, &guest, language, &fields), &wish).await,
        Err(answer) => answer,
    }
}

fn visitor<'v>(oauth: &'v Oauth, guest: &'v Guest, language: Language, fields: &Fields) -> Visitor<'v> {
    Visitor {
        oauth,
        guest,
        language,
        path: PATH,
        carried: carried(fields),
    }
}

async fn consent(visitor: &Visitor<'_>, wish: &Wish) -> Response {
    let session = match visitor.session().await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let language = visitor.language;
    let title = format!("{} {}", wish.client.name, language.say(Words::WantsAccess));
    let form = Form::default()
        .text_button("switch", Words::OtherAccount)
        .button("deny", Words::Deny)
        .main_button("allow", Words::Allow);
    let who = format!("{} {}", language.say(Words::SignedInAs), session.account.address);
    Page::new(language, title)
        .leading_to(&wish.asked.redirect)
        .text(&who)
        .list(&language.scope(&wish.asked.scope))
        .hint(Words::AllowHint)
        .form(PATH, &visitor.carried, &form)
        .answer(StatusCode::OK)
}

/// A form of the page.
pub(crate) async fn decide(
    State(oauth): State<Oauth>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    posted: Posted,
) -> Response {
    let language = Language::of(&headers);
    let fields = posted.0;
    let wish = match Wish::read(&oauth, &fields, language).await {
        Ok(wish) => wish,
        Err(answer) => return answer,
    };
    let visitor = visitor(&oauth, &guest, language, &fields);
    if let Some(answer) = visitor.step(&fields).await {
        return answer;
    }
    let (redirect, state) = (&wish.asked.redirect, wish.state.as_deref());
    match fields.value("step") {
        Some("deny") => back(&oauth, redirect, state, &[("error", "access_denied")]),
        Some("allow") => match oauth.access.oauth_code(visitor.decider(), &wish.asked).await {
            Ok(code) => back(&oauth, redirect, state, &[("code", code.reveal())]),
            Err(OauthError::Access(error)) if !error.is_temporary() => visitor.refused(&error).await,
            Err(error) => back(&oauth, redirect, state, &[("error", error.code())]),
        },
        _ => consent(&visitor, &wish).await,
    }
}
