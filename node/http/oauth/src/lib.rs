//! OAuth 2.1 for mail clients: a member lets a client in on a page of ours, and the client gets tokens.
//!
//! Turns HTTP into calls of `node/access` and back; what is granted, and for how long, is decided there. The pages are plain
//! HTML with next to no script, in Chinese and English. Requests come through `node/http/front`, which says who the guest is and
//! turns away forms of other sites. Nothing here is part of the admin API.

mod authorize;
mod device;
mod end_point;
mod form;
mod metadata;
mod page;
mod text;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hongyan_access::Access;

pub use form::Fields;

/// What the routes need.
pub struct OauthParts {
    /// Sign-in and grants.
    pub access: Access,
    /// Who we are to clients: `https://` and the host's name (RFC 8414 §2).
    pub issuer: String,
}

#[derive(Clone)]
struct Oauth {
    access: Access,
    issuer: Arc<str>,
}

/// The pages, the end points and the metadata.
pub fn routes(parts: OauthParts) -> Router {
    let oauth = Oauth {
        access: parts.access,
        issuer: parts.issuer.trim_end_matches('/').into(),
    };
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route(authorize::PATH, get(authorize::show).post(authorize::decide))
        .route(device::PATH, get(device::show).post(device::decide))
        .route("/oauth/device_authorization", post(end_point::device_authorization))
        .route("/oauth/token", post(end_point::token))
        .route("/oauth/revoke", post(end_point::revoke))
        .route("/oauth/introspect", post(end_point::introspect))
        .with_state(oauth)
}
