//! Sessions of the web client: what a browser shows as cookies, and which pages may make it show them.
//!
//! A browser sends cookies along with whatever a page makes it ask for. So a request that changes something is taken only
//! when the browser says that it comes from a page of this very host, or when it bears a field that pages of other sites
//! cannot set.

use axum::http::{HeaderMap, Method, StatusCode, header};
use hongyan_access::{DEVICE_COOKIE, Guest, Protocol, SESSION_COOKIE, is_web_token};
use hongyan_sasl::Secret;

use crate::problem::Problem;

/// Where the web client signs in: reached by whoever has not.
const SIGN_IN: &str = "/api/session";
/// A field by which a program says that it is no page: browsers ask the server before they let another site's page set it.
const OWN_FIELD: &str = "x-hongyan-request";

/// Whether a path is part of signing in.
pub(crate) fn is_sign_in(path: &str) -> bool {
    path.strip_prefix(SIGN_IN)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where mail clients are let in: its pages are for guests, its end points look at nothing that a browser sends by itself.
const OAUTH: &str = "/oauth/";
/// Where members come by the provider of their organisation.
const SINGLE_SIGN_ON: &str = "/sso/";
/// Where people join by an invitation, which is all the right that they need.
const JOIN: &str = "/join/";
/// Pages with forms that count for whoever is signed in.
const PAGES: [&str; 8] = [
    "/oauth/authorize",
    "/oauth/device",
    "/oauth/recover",
    "/oauth/sign-in",
    "/sso/start",
    "/sso/logout",
    "/sso/saml/continue",
    "/sso/saml/leave",
];

/// Where phones sync (MS-ASHTTP §2.2.1.1.1).
const ACTIVE_SYNC: &str = "/Microsoft-Server-ActiveSync";

/// The way in that a path belongs to.
pub(crate) fn protocol_of(path: &str) -> Protocol {
    if path == ACTIVE_SYNC {
        Protocol::ActiveSync
    } else {
        Protocol::Http
    }
}

/// Whether whoever asks for a path is a guest there: it finds out itself who that is.
pub(crate) fn takes_guests(path: &str) -> bool {
    is_sign_in(path) || path.starts_with(OAUTH) || path.starts_with(SINGLE_SIGN_ON) || path.starts_with(JOIN)
}

/// Whether a page of another site must not have a form sent to a path, signed in or not.
pub(crate) fn takes_forms(path: &str) -> bool {
    is_sign_in(path) || PAGES.contains(&path)
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The value of a cookie (RFC 6265 §5.4).
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    let pairs = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// The token of a web session: as a bearer's (RFC 6750 §2.1), else as a cookie, which counts only where nothing else is shown.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    match text(headers, header::AUTHORIZATION) {
        Some(shown) => {
            let (scheme, rest) = shown.split_once(' ')?;
            let rest = rest.trim();
            (scheme.eq_ignore_ascii_case("bearer") && is_web_token(rest)).then_some(rest)
        }
        None => cookie(headers, SESSION_COOKIE).filter(|value| is_web_token(value)),
    }
}

/// Someone who may not have signed in yet.
pub(crate) fn guest(headers: &HeaderMap, peer: std::net::IpAddr) -> Guest {
    Guest {
        peer,
        client: text(headers, header::USER_AGENT).unwrap_or_default().to_owned(),
        token: token(headers).map(Secret::new),
        device: cookie(headers, DEVICE_COOKIE).map(Secret::new),
    }
}

/// Whether a request may use what the browser sends by itself.
pub(crate) fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() || headers.contains_key(OWN_FIELD) {
        return Ok(());
    }
    let is_own = match text(headers, "sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        // A browser without Fetch Metadata: RFC 6454 §7.3.
        None => {
            let origin = text(headers, header::ORIGIN).and_then(|origin| origin.split_once("://"));
            let host = text(headers, header::HOST);
            origin.is_some_and(|(scheme, from)| scheme == "https" && Some(from) == host)
        }
    };
    if is_own {
        return Ok(());
    }
    let detail = "changes with a cookie are taken from this host's own pages, or with the field X-Hongyan-Request";
    Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", detail))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn tokens_are_found_where_they_are_shown() {
        let check = |fields: &[(&'static str, &str)], expect: Option<&str>| {
            assert_eq!(token(&headers(fields)), expect, "{fields:?}");
        };
        let session = "a=b; __Host-hongyan-session=hyw_1;c=d";
        check(&[("cookie", session)], Some("hyw_1"));
        check(&[("cookie", "a=b"), ("cookie", session)], Some("hyw_1"));
        check(&[("authorization", "Bearer hyw_2")], Some("hyw_2"));
        check(&[("authorization", "bearer hyw_2"), ("cookie", session)], Some("hyw_2"));
        check(&[("authorization", "Basic eDp5"), ("cookie", session)], None);
        check(&[("authorization", "Bearer other")], None);
        check(&[("cookie", "x__Host-hongyan-session=hyw_1")], None);
        check(&[("cookie", "__Host-hongyan-session=other")], None);
        check(&[], None);
    }

    #[test]
    fn auth_pages_of_other_sites_change_nothing() {
        let check = |method: Method, fields: &[(&'static str, &str)], expect: bool| {
            let taken = check_site(&method, &headers(fields)).is_ok();
            assert_eq!(taken, expect, "{method} {fields:?}");
        };
        check(Method::GET, &[("sec-fetch-site", "cross-site")], true);
        for site in ["cross-site", "same-site"] {
            check(Method::POST, &[("sec-fetch-site", site)], false);
        }
        check(Method::POST, &[("sec-fetch-site", "same-origin")], true);
        check(Method::DELETE, &[("sec-fetch-site", "none")], true);
        let host = ("host", "mail.example.test");
        check(Method::POST, &[host, ("origin", "https://mail.example.test")], true);
        check(Method::POST, &[host, ("origin", "https://evil.test")], false);
        check(Method::POST, &[host, ("origin", "http://mail.example.test")], false);
        check(Method::POST, &[host, ("origin", "null")], false);
        check(Method::POST, &[host], false);
        check(Method::POST, &[host, ("x-hongyan-request", "1")], true);
    }

    #[test]
    fn sign_in_is_its_own_path_and_no_others() {
        for (path, expect) in [
            ("/api/session", true),
            ("/api/session/totp", true),
            ("/api/sessions", false),
            ("/api/members", false),
        ] {
            assert_eq!(is_sign_in(path), expect, "{path}");
        }
        for (path, guests, forms) in [
            ("/api/session", true, true),
            ("/oauth/authorize", true, true),
            ("/oauth/device", true, true),
            ("/oauth/recover", true, true),
            ("/oauth/token", true, false),
            ("/sso/callback", true, false),
            ("/sso/start", true, true),
            ("/sso/saml/continue", true, true),
            ("/sso/saml/leave", true, true),
            ("/sso/saml/1/sign-out", true, false),
            ("/sso/saml/1/slo", true, false),
            ("/sso/saml/1/sign-in", true, false),
            ("/sso/back-channel-logout/1", true, false),
            ("/join/hyi_x", true, false),
            ("/oauth", false, false),
            ("/jmap/api", false, false),
        ] {
            assert_eq!((takes_guests(path), takes_forms(path)), (guests, forms), "{path}");
        }
    }
}
