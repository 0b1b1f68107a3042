//! Who a member is, for applications (OpenID Connect Core 1.0): what is found out by itself, the keys, what is heard of the member,
//! and the way out (RP-Initiated Logout 1.0).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::{AccessError, Claim, Hint, OauthError, SESSION_COOKIE, WebSession, cookie};
use serde_json::{Value, json};

use crate::Oauth;
use crate::end_point::{Posted, private, refusal};
use crate::form::Fields;
use crate::look::Pages;
use crate::metadata;
use crate::page::{Form, see_other};
use crate::page_request::PageRequest;
use crate::saml_logout;
use crate::text::Words;

pub(crate) const LOGOUT_PATH: &str = "/oauth/logout";
/// How long a set of keys may be kept: a key is shown a day before it signs.
const KEYS_KEPT: &str = "public, max-age=3600";
/// What a request to leave consists of.
const CARRIED: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// OpenID Connect Discovery 1.0 §3.
pub(crate) async fn show(State(oauth): State<Oauth>) -> Json<Value> {
    let (mut document, issuer) = (metadata::document(&oauth), &oauth.issuer);
    for (name, value) in [
        ("userinfo_endpoint", json!(format!("{issuer}/oauth/userinfo"))),
        ("end_session_endpoint", json!(format!("{issuer}{LOGOUT_PATH}"))),
        ("subject_types_supported", json!(["public"])),
        ("id_token_signing_alg_values_supported", json!(["ES256"])),
        (
            "prompt_values_supported",
            json!(["none", "login", "consent", "select_account"]),
        ),
        ("acr_values_supported", json!(["1", "2"])),
        ("claim_types_supported", json!(["normal"])),
        (
            "claims_supported",
            json!([
                "sub",
                "iss",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "acr",
                "amr",
                "at_hash",
                "name",
                "preferred_username",
                "email",
                "email_verified"
            ]),
        ),
        ("claims_parameter_supported", json!(false)),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
    ] {
        document[name] = value;
    }
    Json(document)
}

/// The keys that ID tokens are signed with.
pub(crate) async fn keys(State(oauth): State<Oauth>) -> Response {
    match oauth.access.oauth_key_set().await {
        Ok(keys) => (
            [(header::CACHE_CONTROL, HeaderValue::from_static(KEYS_KEPT))],
            Json(keys),
        )
            .into_response(),
        Err(error) => refusal(&error),
    }
}

/// What the bearer of an access token hears of the member (Core §5.3, RFC 6750 §3.1).
pub(crate) async fn user_info(State(oauth): State<Oauth>, headers: HeaderMap) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| value.split_once(' '));
    let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = shown else {
        return challenge(StatusCode::UNAUTHORIZED, "Bearer", json!({"error": "invalid_request"}));
    };
    let person = match oauth.access.oauth_person(token.trim()).await {
        Ok(person) => person,
        Err(AccessError::NotInScope(_)) => {
            let words = "Bearer error=\"insufficient_scope\", scope=\"openid\"";
            return challenge(StatusCode::FORBIDDEN, words, json!({"error": "insufficient_scope"}));
        }
        Err(error) if error.is_temporary() => return refusal(&OauthError::Access(error)),
        Err(_) => {
            let words = "Bearer error=\"invalid_token\"";
            return challenge(StatusCode::UNAUTHORIZED, words, json!({"error": "invalid_token"}));
        }
    };
    let mut claims = json!({"sub": person.subject});
    if person.scope.has(Claim::Profile) {
        let name = if person.name.is_empty() {
            &person.address
        } else {
            &person.name
        };
        claims["name"] = json!(name);
        claims["preferred_username"] = json!(person.address);
    }
    if person.scope.has(Claim::Email) {
        claims["email"] = json!(person.address);
        // It is delivered here.
        claims["email_verified"] = json!(true);
    }
    private(StatusCode::OK, claims)
}

fn challenge(status: StatusCode, words: &'static str, body: Value) -> Response {
    let mut response = private(status, body);
    let words = HeaderValue::from_static(words);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, words);
    response
}

/// Somebody whom an application sends to leave.
struct Leaving {
    hint: Option<Hint>,
    /// Where they go then: it is the application's.
    place: Option<String>,
}

impl Leaving {
    async fn read(oauth: &Oauth, fields: &Fields, pages: &Pages) -> Result<Self, Response> {
        let hint = match fields.value("id_token_hint") {
            Some(shown) => oauth
                .access
                .oauth_hint(&oauth.issuer, shown)
                .await
                .map_err(|error| refusal(&error))?,
            None => None,
        };
        let (named, known) = (
            fields.value("client_id"),
            hint.as_ref().map(|hint| hint.client.as_str()),
        );
        if named.is_some() && known.is_some() && named != known {
            return Err(pages.refuse(Words::UnknownClient));
        }
        let Some(place) = fields.value("post_logout_redirect_uri") else {
            return Ok(Self { hint, place: None });
        };
        let client = match named.or(known) {
            Some(id) => oauth.access.oauth_client(id).await,
            None => Err(OauthError::InvalidClient),
        };
        // Nobody is sent where nobody has said that they may be.
        let client = client.map_err(|_| pages.refuse(Words::UnknownClient))?;
        if !client.party.signed_out.iter().any(|known| known == place) {
            return Err(pages.refuse(Words::UnknownRedirect));
        }
        let sign = if place.contains('?') { '&' } else { '?' };
        let mut state = Fields::default();
        if let Some(value) = fields.value("state") {
            state.push("state", value);
        }
        let place = match fields.value("state") {
            Some(_) => format!("{place}{sign}{}", state.write()),
            None => place.to_owned(),
        };
        Ok(Self {
            hint,
            place: Some(place),
        })
    }

    /// Whoever no application has a place for is led to that of their organisation (LGN-10).
    async fn led_out(mut self, oauth: &Oauth, session: &WebSession) -> Self {
        if self.place.is_none() {
            self.place = exit_page(oauth, session).await;
        }
        self
    }

    fn gone(&self, pages: &Pages) -> Response {
        let forget = cookie(SESSION_COOKIE, "", 0);
        match &self.place {
            Some(place) => see_other(place, &[forget]),
            None => {
                let mut page = pages.page(Words::SignedOut).link_home().answer(StatusCode::OK);
                if let Ok(forget) = HeaderValue::from_str(&forget) {
                    page.headers_mut().append(header::SET_COOKIE, forget);
                }
                page
            }
        }
    }
}

/// Where the organisation of whoever is signed in wants them led.
pub(crate) async fn exit_page(oauth: &Oauth, session: &WebSession) -> Option<String> {
    match oauth.directory.exit_page(session.account.tenant).await {
        Ok(place) => place,
        Err(error) => {
            tracing::warn!(%error, "the exit page of an organisation cannot be looked up");
            None
        }
    }
}

/// An application sends the browser here: whoever it vouches for is signed out at once, anybody else is asked (§2, §6).
pub(crate) async fn leave(request: PageRequest) -> Response {
    let fields = request.query();
    let (pages, session) = request.visited(&fields).await;
    let leaving = match Leaving::read(&request.oauth, &fields, &pages).await {
        Ok(leaving) => leaving,
        Err(answer) => return answer,
    };
    let Some(session) = session else {
        return leaving.gone(&pages);
    };
    let leaving = leaving.led_out(&request.oauth, &session).await;
    if leaving
        .hint
        .as_ref()
        .is_some_and(|hint| hint.account == session.account.id)
    {
        return end(&request, Some(&session), (&leaving, &pages)).await;
    }
    let form = Form::default().main_button("sign-out", Words::SignOut);
    let signed_in = pages.language.say(Words::SignedInAs);
    let page = pages
        .page(Words::SignOut)
        .text(&format!("{signed_in} {}", session.account.address));
    let page = match &leaving.place {
        Some(place) => page.leading_to(place),
        None => page,
    };
    page.form(LOGOUT_PATH, &carried(&fields), &form).answer(StatusCode::OK)
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

async fn end(request: &PageRequest, session: Option<&WebSession>, (leaving, pages): (&Leaving, &Pages)) -> Response {
    let oauth = &request.oauth;
    let parties = match session {
        Some(session) => saml_logout::parties(oauth, session).await,
        None => Vec::new(),
    };
    if let Err(error) = oauth.access.end_web_session(request.token()).await {
        return refusal(&OauthError::Access(error));
    }
    let round = match session {
        Some(session) => saml_logout::go(oauth, session, parties, leaving.place.as_deref()).await,
        None => None,
    };
    round.unwrap_or_else(|| leaving.gone(pages))
}

/// The form of the page, or an application's: that of another site comes without what the browser keeps, and is asked anew.
pub(crate) async fn decide_leave(request: PageRequest, Posted(fields): Posted) -> Response {
    if fields.value("step") != Some("sign-out") {
        return see_other(&format!("{LOGOUT_PATH}?{}", carried(&fields).write()), &[]);
    }
    let (pages, session) = request.visited(&fields).await;
    match Leaving::read(&request.oauth, &fields, &pages).await {
        Ok(leaving) => {
            let leaving = match &session {
                Some(session) => leaving.led_out(&request.oauth, session).await,
                None => leaving,
            };
            end(&request, session.as_ref(), (&leaving, &pages)).await
        }
        Err(answer) => answer,
    }
}
