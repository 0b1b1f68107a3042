//! How pages look to members of an organisation (LGN-2 to LGN-4): by the domain that a request names, by that of the address it comes
//! with, or by the host that the browser asked for, `mail.<domain>`. Also tells it to web clients, and gives the pictures out.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hongyan_directory::AccountRecord;
use hongyan_profile::{Profiles, ShownSignInPage, SignInLayout, SignInPicture};
use hongyan_types::{Domain, TenantId};
use serde_json::{Value, json};

use crate::Oauth;
use crate::form::Fields;
use crate::page::Page;
use crate::page_request::PageRequest;
use crate::text::{Language, Words};

/// What tells web clients.
pub(crate) const PATH: &str = "/oauth/sign-in-page";
/// A picture of a look.
pub(crate) const PICTURE_PATH: &str = "/oauth/sign-in-page/{domain}/{picture}";
/// The field of a request that names a domain.
pub(crate) const DOMAIN_HINT: &str = "domain_hint";
/// What stands before the domain in the name of a host of its own (LGN-3).
const HOST_LABEL: &str = "mail.";
/// How long a browser shows a picture without asking again.
const PICTURE_KEPT: &str = "public, max-age=300";

/// How a page looks, in one language.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) title: String,
    /// The path of a picture over the form.
    pub(crate) logo: Option<String>,
    /// The path of one behind or beside it.
    pub(crate) picture: Option<String>,
    /// Six digits after a `#`, checked when they were set.
    pub(crate) colour: Option<String>,
    pub(crate) layout: SignInLayout,
}

/// The pages of one request: in which language, and how they look.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) language: Language,
    /// None is as ours.
    pub(crate) look: Option<Look>,
}

impl Pages {
    /// Those of a request with such fields.
    pub(crate) async fn of(oauth: &Oauth, (uri, headers): (&Uri, &HeaderMap), fields: &Fields) -> Self {
        let language = Language::of(headers);
        let look = find(oauth, &Asked::of(uri, headers), fields, language).await;
        Self { language, look }
    }

    /// Those that have to do with a domain, at whatever host they are asked for.
    pub(crate) async fn of_domain(oauth: &Oauth, headers: &HeaderMap, domain: &Domain) -> Self {
        let language = Language::of(headers);
        let plain = Self { language, look: None };
        plain.or_of(oauth, domain).await
    }

    /// The same for whoever is signed in: their organisation is known.
    pub(crate) async fn of_member(self, oauth: &Oauth, account: &AccountRecord) -> Self {
        self.or_of(oauth, &account.address.domain).await
    }

    /// The same for an organisation whose provider has to do with it.
    pub(crate) async fn of_organisation(self, oauth: &Oauth, tenant: TenantId) -> Self {
        match oauth
            .directory
            .domains(tenant, None, 1)
            .await
            .unwrap_or_default()
            .as_slice()
        {
            [first, ..] => self.or_of(oauth, &first.domain).await,
            [] => self,
        }
    }

    async fn or_of(self, oauth: &Oauth, domain: &Domain) -> Self {
        match (&self.look, shown(oauth, domain).await) {
            (None, Some(shown)) => Self {
                look: Some(look(domain, &shown, self.language)),
                ..self
            },
            _ => self,
        }
    }

    pub(crate) fn page(&self, title: Words) -> Page {
        self.titled(self.language.say(title))
    }

    pub(crate) fn titled(&self, title: impl Into<String>) -> Page {
        Page::new(self.language, title).looking(self.look.clone())
    }

    /// The page for a request that cannot be followed, and why.
    pub(crate) fn refuse(&self, why: Words) -> Response {
        self.page(Words::Refused).say(why).answer(StatusCode::BAD_REQUEST)
    }
}

/// The domains that a request may be about, the surest first.
fn named(fields: &Fields, asked: &Asked) -> Vec<Domain> {
    let hint = fields.value(DOMAIN_HINT);
    let logins = [fields.value("login"), fields.value("login_hint")]
        .into_iter()
        .flatten();
    let of_login = logins.filter_map(|login| Some(login.trim().rsplit_once('@')?.1));
    let host = asked.0.as_deref().and_then(|host| host.strip_prefix(HOST_LABEL));
    let names = hint.into_iter().chain(of_login).chain(host);
    names.filter_map(|name| Domain::try_from(name).ok()).collect()
}

/// The host that the browser asked for.
#[derive(Debug, Clone, Default)]
struct Asked(Option<String>);

impl Asked {
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let field = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let field = field.map(|host| host.split(':').next().unwrap_or_default());
        // Over HTTP/2 it is part of the target.
        Self(uri.host().or(field).map(str::to_ascii_lowercase))
    }
}

async fn shown(oauth: &Oauth, domain: &Domain) -> Option<ShownSignInPage> {
    match Profiles::new(&oauth.directory).shown_sign_in_page(domain).await {
        Ok(shown) => shown,
        Err(error) => {
            tracing::warn!(%error, "how a page looks cannot be looked up");
            None
        }
    }
}

/// How the pages of a request look; none is as ours.
async fn find(oauth: &Oauth, asked: &Asked, fields: &Fields, language: Language) -> Option<Look> {
    for domain in named(fields, asked) {
        if let Some(shown) = shown(oauth, &domain).await {
            return Some(look(&domain, &shown, language));
        }
    }
    None
}

fn look(domain: &Domain, shown: &ShownSignInPage, language: Language) -> Look {
    let path = |is_there: bool, name: &str| is_there.then(|| format!("{PATH}/{domain}/{name}"));
    let page = &shown.page;
    Look {
        title: language.of_two(&page.title, &page.title_zh_cn).to_owned(),
        logo: path(shown.has_logo, "logo"),
        picture: path(shown.has_picture, "picture"),
        colour: page.colour.clone(),
        layout: page.layout,
    }
}

/// What a web client shows to whoever signs in at a host or a domain: `?domain_hint=` or `?login_hint=`. Null is its own.
pub(crate) async fn tell(request: PageRequest) -> Json<Value> {
    for domain in named(&request.query(), &Asked::of(&request.uri, &request.headers)) {
        if let Some(shown) = shown(&request.oauth, &domain).await {
            let look = look(&domain, &shown, Language::English);
            return Json(json!({"page": shown.page, "logo": look.logo, "picture": look.picture}));
        }
    }
    Json(Value::Null)
}

/// A picture, for anybody: it is on a page that anybody sees.
pub(crate) async fn picture(State(oauth): State<Oauth>, Path((domain, which)): Path<(String, String)>) -> Response {
    let (which, kind) = match which.as_str() {
        "logo" => (SignInPicture::Logo, "image/png"),
        "picture" => (SignInPicture::Background, "image/jpeg"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let Ok(domain) = Domain::try_from(domain.as_str()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(shown) = shown(&oauth, &domain).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Ok(file) = Profiles::new(&oauth.directory).sign_in_picture(&shown, which).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let fields: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(PICTURE_KEPT)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
    ];
    (fields, file).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgn_3_the_domain_is_found_in_the_hint_the_address_or_the_host() {
        let check = |query: &str, host: &str, expect: &[&str]| {
            let fields = Fields::read(query).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            let found = named(&fields, &Asked::of(&Uri::from_static("/x"), &headers));
            let found: Vec<&str> = found.iter().map(Domain::as_str).collect();
            assert_eq!(found, expect, "{query} {host}");
        };
        check("", "MAIL.a.test:8443", &["a.test"]);
        check("", "a.test", &[]);
        check("login_hint=anna%40b.test", "mail.a.test", &["b.test", "a.test"]);
        check("domain_hint=c.test&login_hint=x", "host.test", &["c.test"]);
        check("domain_hint=%3Cscript%3E", "host.test", &[]);
    }
}
