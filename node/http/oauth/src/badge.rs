//! The pictures of "mail me" badges (SET-7), for pages anywhere. Whoever has the name of one sees it; a name that nobody has, and one
//! whose member gets no mail now, look the same.

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_profile::Profiles;

use crate::Oauth;

/// A badge.
pub(crate) const PATH: &str = "/badge/{name}";
/// How long a browser shows one without asking again, also after it was switched off.
const KEPT: &str = "public, max-age=3600";

/// A badge as SVG.
pub(crate) async fn show(State(oauth): State<Oauth>, Path(name): Path<String>) -> Response {
    let badge = match Profiles::new(&oauth.directory).badge_named(&name).await {
        Ok(Some(badge)) => badge,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(%error, "a badge cannot be looked up");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let fields = [
        (header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
        (header::CACHE_CONTROL, KEPT),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Opened as a page of its own it does nothing in our name.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        // Fetch: pages of others that isolate themselves may show it too.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (
        fields.map(|(name, value)| (name, HeaderValue::from_static(value))),
        badge.svg(),
    )
        .into_response()
}
