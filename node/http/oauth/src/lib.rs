//! OAuth 2.1 for mail clients: a member lets a client in on a page of ours, and the client gets tokens. OpenID Connect for
//! applications: they hear who the member is. And the pages of single sign-on, the other way round: a member is let in here by the
//! provider of their organisation. SAML goes both ways, too. And the page behind an invitation, and the pictures of badges.
//!
//! Turns HTTP into calls of `node/access` and back; what is granted, and for how long, is decided there. The pages are plain
//! HTML with next to no script, in Chinese and English. Requests come through `node/http/front`, which says who the guest is and
//! turns away forms of other sites. Nothing here is part of the admin API.

mod authorize;
mod badge;
mod device;
mod end_point;
mod form;
mod identity;
mod join;
mod join_form;
mod join_text;
mod look;
mod metadata;
mod page;
mod page_request;
mod recover;
mod saml;
mod saml_application;
mod saml_logout;
mod sign_in;
mod single_sign_on;
mod text;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hongyan_access::Access;
use hongyan_directory::Directory;
use hongyan_openid::OpenId;
use hongyan_saml::Saml;

pub use form::Fields;

/// What the routes need.
pub struct OauthParts {
    /// Sign-in and grants.
    pub access: Access,
    /// Organisations, and how their pages look.
    pub directory: Directory,
    /// Sign-in at providers of organisations; none where there is none.
    pub single_sign_on: Option<OpenId>,
    /// The same at providers that speak SAML.
    pub saml: Option<Saml>,
    /// Who we are to clients: `https://` and the host's name (RFC 8414 §2).
    pub issuer: String,
}

#[derive(Clone)]
struct Oauth {
    access: Access,
    directory: Directory,
    single_sign_on: Option<OpenId>,
    saml: Option<Saml>,
    issuer: Arc<str>,
}

/// The pages, the end points and the metadata.
pub fn routes(parts: OauthParts) -> Router {
    let oauth = Oauth {
        access: parts.access,
        directory: parts.directory,
        single_sign_on: parts.single_sign_on,
        saml: parts.saml,
        issuer: parts.issuer.trim_end_matches('/').into(),
    };
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route("/.well-known/openid-configuration", get(identity::show))
        .route("/oauth/keys", get(identity::keys))
        .route("/oauth/userinfo", get(identity::user_info).post(identity::user_info))
        .route(identity::LOGOUT_PATH, get(identity::leave).post(identity::decide_leave))
        .route(authorize::PATH, get(authorize::show).post(authorize::decide))
        .route(sign_in::PATH, get(sign_in::show).post(sign_in::decide))
        .route(look::PATH, get(look::tell))
        .route(look::PICTURE_PATH, get(look::picture))
        .route(badge::PATH, get(badge::show))
        .route(device::PATH, get(device::show).post(device::decide))
        .route(recover::PATH, get(recover::show).post(recover::decide))
        .route("/oauth/device_authorization", post(end_point::device_authorization))
        .route("/oauth/token", post(end_point::token))
        .route("/oauth/revoke", post(end_point::revoke))
        .route("/oauth/introspect", post(end_point::introspect))
        .route(join::PATH, get(join::show).post(join::join))
        .merge(single_sign_on::routes())
        .merge(saml::routes())
        .merge(saml_application::routes())
        .merge(saml_logout::routes())
        .with_state(oauth)
}
