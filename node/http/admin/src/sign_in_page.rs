//! /api/organisations/{name}/sign-in-page: how the page to sign in looks (LGN-2, LGN-4). /api/organisations/{name}/sign-in-form: a form
//! for other sites that leads there (LGN-5).

use std::fmt::Write;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{Error, Language};
use hongyan_profile::{
    BACKGROUND_OCTETS_MAX, LOGO_OCTETS_MAX, Profiles, ShownSignInPage, SignInLayout, SignInPage, SignInPicture,
};
use hongyan_types::{Domain, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::picture::made;
use crate::problem::{Failure, Problem, Result};

/// Domains that a form lists.
const FORM_DOMAINS_MAX: usize = 100;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// The look of this domain alone; without it that of all which have none of their own.
    domain: Option<String>,
}

/// How the page to sign in looks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInPageView {
    /// What stands over the form, in English.
    title: String,
    /// The same in Chinese; empty is as in English.
    title_zh_cn: String,
    /// Of what is behind the form and of its main button, such as `#0a5c36`; null is ours.
    colour: Option<String>,
    layout: SignInLayout,
    has_logo: bool,
    has_picture: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FormLayout {
    #[default]
    Vertical,
    Horizontal,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormQuery {
    #[serde(default)]
    #[param(inline)]
    layout: FormLayout,
    /// The domains to choose from, with commas; all of the organisation's when nothing is said.
    domains: Option<String>,
    /// Whether there is a link for a forgotten password.
    #[serde(default = "yes")]
    forgotten: bool,
    #[serde(default)]
    language: Language,
}

fn yes() -> bool {
    true
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

impl At {
    fn domain(&self) -> Result<Option<Domain>> {
        self.domain.as_deref().map(crate::domain::parse).transpose()
    }
}

async fn present(caller: &Caller, tenant: TenantId, domain: Option<&Domain>) -> Result<Json<SignInPageView>> {
    let shown = Profiles::new(&caller.directory).sign_in_page(tenant, domain).await?;
    let shown = shown.ok_or_else(|| Problem::not_found("there is no sign-in page of its own"))?;
    let ShownSignInPage {
        page,
        has_logo,
        has_picture,
        ..
    } = shown;
    let SignInPage {
        title,
        title_zh_cn,
        colour,
        layout,
    } = page;
    Ok(Json(SignInPageView {
        title,
        title_zh_cn,
        colour,
        layout,
        has_logo,
        has_picture,
    }))
}

/// How the page to sign in looks to members of an organisation, or of one of its domains.
#[utoipa::path(get, path = "/api/organisations/{name}/sign-in-page", params(("name" = String, Path), At), responses((status = 200, body = SignInPageView), Failure))]
pub(crate) async fn show(
    caller: Caller,
    Path(name): Path<String>,
    Asked(at): Asked<At>,
) -> Result<Json<SignInPageView>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    present(&caller, id, at.domain()?.as_ref()).await
}

/// Sets how the page to sign in looks, for all domains of an organisation or for one. It is shown at `mail.` before the domain, and to
/// whoever comes with an address in it.
#[utoipa::path(put, path = "/api/organisations/{name}/sign-in-page", params(("name" = String, Path), At), request_body = SignInPage, responses((status = 200, body = SignInPageView), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path(name): Path<String>,
    Asked(at): Asked<At>,
    Body(page): Body<SignInPage>,
) -> Result<Json<SignInPageView>> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let domain = at.domain()?;
    let profiles = Profiles::new(&caller.directory);
    profiles.set_sign_in_page(id, domain.as_ref(), &page).await?;
    present(&caller, id, domain.as_ref()).await
}

/// Takes a look away, with its pictures.
#[utoipa::path(delete, path = "/api/organisations/{name}/sign-in-page", params(("name" = String, Path), At), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(name): Path<String>, Asked(at): Asked<At>) -> Result<StatusCode> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let profiles = Profiles::new(&caller.directory);
    profiles.remove_sign_in_page(id, at.domain()?.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn which(name: &str) -> Result<SignInPicture> {
    match name {
        "logo" => Ok(SignInPicture::Logo),
        "picture" => Ok(SignInPicture::Background),
        _ => Err(Problem::not_found(
            "the pictures of a sign-in page are logo and picture",
        )),
    }
}

/// Sets a picture of the page: `logo`, over the form, or `picture`, behind or beside it. A JPEG, PNG or WebP file, made anew.
#[utoipa::path(put, path = "/api/organisations/{name}/sign-in-page/{picture}", params(("name" = String, Path), ("picture" = String, Path), At), request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))), responses((status = 204), Failure))]
pub(crate) async fn set_picture(
    caller: Caller,
    Path((name, picture)): Path<(String, String)>,
    Asked(at): Asked<At>,
    octets: Result<Bytes, BytesRejection>,
) -> Result<StatusCode> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let (picture, domain) = (which(&picture)?, at.domain()?);
    let file = match picture {
        SignInPicture::Logo => {
            let limit = ("logo_octets_max", LOGO_OCTETS_MAX);
            made(&caller, octets, limit, hongyan_profile::logo).await?
        }
        SignInPicture::Background => {
            let limit = ("background_octets_max", BACKGROUND_OCTETS_MAX);
            made(&caller, octets, limit, hongyan_profile::background).await?
        }
    };
    let profiles = Profiles::new(&caller.directory);
    profiles
        .set_sign_in_picture(id, domain.as_ref(), picture, Some(&file))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a picture of the page away.
#[utoipa::path(delete, path = "/api/organisations/{name}/sign-in-page/{picture}", params(("name" = String, Path), ("picture" = String, Path), At), responses((status = 204), Failure))]
pub(crate) async fn remove_picture(
    caller: Caller,
    Path((name, picture)): Path<(String, String)>,
    Asked(at): Asked<At>,
) -> Result<StatusCode> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let profiles = Profiles::new(&caller.directory);
    profiles
        .set_sign_in_picture(id, at.domain()?.as_ref(), which(&picture)?, None)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Text within HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The code to copy: its own style, no script, no password.
fn form(origin: &str, domains: &[Domain], query: &FormQuery) -> String {
    let (address, at, sign_in, forgotten) = match query.language {
        Language::English => ("Address", "Domain", "Sign in", "Forgot password?"),
        Language::Chinese => ("邮箱账号", "域名", "登录", "忘记密码？"),
    };
    let class = match query.layout {
        FormLayout::Vertical => "vertical",
        FormLayout::Horizontal => "horizontal",
    };
    let origin = escape(origin);
    let mut options = String::new();
    for domain in domains {
        let (name, shown) = (escape(domain.as_str()), escape(&domain.to_unicode()));
        let _ = write!(options, "\n      <option value=\"{name}\">{shown}</option>");
    }
    let mut link = String::new();
    if query.forgotten {
        let _ = write!(
            link,
            "\n  <a href=\"{origin}/oauth/recover\" target=\"_top\">{forgotten}</a>"
        );
    }
    format!(
        "<style>
.hongyan-sign-in{{font:16px/1.5 system-ui,sans-serif;display:flex;gap:.75rem;align-items:center;flex-wrap:wrap}}
.hongyan-sign-in.vertical{{flex-direction:column;align-items:stretch;max-width:22rem}}
.hongyan-sign-in span{{display:flex;flex:1;align-items:center;gap:.25rem}}
.hongyan-sign-in input,.hongyan-sign-in select,.hongyan-sign-in button{{font:inherit;padding:.5rem .75rem;border:1px solid #b8c0d0;border-radius:8px;min-width:0}}
.hongyan-sign-in.horizontal span{{max-width:28rem}}
.hongyan-sign-in input{{flex:1}}
.hongyan-sign-in button{{background:#2257d6;border-color:#2257d6;color:#fff;cursor:pointer}}
.hongyan-sign-in a{{color:#2257d6}}
</style>
<form class=\"hongyan-sign-in {class}\" action=\"{origin}/oauth/sign-in\" method=\"get\" target=\"_top\" accept-charset=\"utf-8\">
  <span>
    <input name=\"local\" autocomplete=\"username\" placeholder=\"{address}\" aria-label=\"{address}\" maxlength=\"320\" required>@
    <select name=\"domain\" aria-label=\"{at}\">{options}
    </select>
  </span>
  <button>{sign_in}</button>{link}
</form>
"
    )
}

async fn form_domains(caller: &Caller, tenant: TenantId, asked: Option<&str>) -> Result<Vec<Domain>> {
    let Some(asked) = asked else {
        let all = caller.directory.domains(tenant, None, FORM_DOMAINS_MAX).await?;
        let staying = all.into_iter().filter(|record| record.removal.is_none());
        return Ok(staying.map(|record| record.domain).collect());
    };
    let mut domains = Vec::new();
    for name in asked.split(',').take(FORM_DOMAINS_MAX) {
        let domain = crate::domain::parse(name.trim())?;
        if caller.directory.domain(&domain).await?.tenant != tenant {
            let (what, name) = ("domain", domain.to_string());
            return Err(Error::NotFound { what, name }.into());
        }
        domains.push(domain);
    }
    Ok(domains)
}

/// HTML to put on another site: a form that asks for an address and leads to the page to sign in, where it is filled in. No password
/// passes the other site.
#[utoipa::path(get, path = "/api/organisations/{name}/sign-in-form", params(("name" = String, Path), FormQuery), responses((status = 200, body = String, content_type = "text/html"), Failure))]
pub(crate) async fn sign_in_form(
    caller: Caller,
    Path(name): Path<String>,
    Asked(query): Asked<FormQuery>,
) -> Result<Response> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    let domains = form_domains(&caller, id, query.domains.as_deref()).await?;
    if domains.is_empty() {
        return Err(Problem::not_found("the organisation has no domain"));
    }
    let origin = caller.web_origin();
    let origin = origin.ok_or_else(|| Problem::unavailable("this node offers no web to the world".to_owned()))?;
    let mut response = form(&origin, &domains, &query).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Looked at as it is, it does nothing in our name.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgn_5_the_form_asks_for_no_password_and_is_escaped() {
        let domains = ["a.test", "例子.test"].map(|name| Domain::try_from(name).unwrap());
        let query = FormQuery {
            layout: FormLayout::Horizontal,
            domains: None,
            forgotten: true,
            language: Language::Chinese,
        };
        let html = form("https://mail.host.test\"><script>", &domains, &query);
        assert!(!html.contains("<script") && !html.contains("password"), "{html}");
        assert!(
            html.contains("<option value=\"xn--fsqu00a.test\">例子.test</option>"),
            "{html}"
        );
        assert!(
            html.contains("class=\"hongyan-sign-in horizontal\"") && html.contains("忘记密码"),
            "{html}"
        );
        let plain = FormQuery {
            forgotten: false,
            ..query
        };
        assert!(!form("https://h.test", &domains, &plain).contains("recover"));
    }
}
