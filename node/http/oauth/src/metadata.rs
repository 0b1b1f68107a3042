//! What clients find out by themselves (RFC 8414).

use axum::Json;
use axum::extract::State;
use hongyan_access::Scope;
use serde_json::{Value, json};

use crate::Oauth;

/// How a client proves itself: those on a person's machine by PKCE alone.
const CLIENT_PROOFS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];
pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) async fn show(State(oauth): State<Oauth>) -> Json<Value> {
    Json(document(&oauth))
}

pub(crate) fn document(oauth: &Oauth) -> Value {
    let issuer = &oauth.issuer;
    json!({
        "issuer": &**issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "introspection_endpoint": format!("{issuer}/oauth/introspect"),
        "device_authorization_endpoint": format!("{issuer}/oauth/device_authorization"),
        "scopes_supported": Scope::WORDS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "token_endpoint_auth_methods_supported": CLIENT_PROOFS,
        "revocation_endpoint_auth_methods_supported": CLIENT_PROOFS,
        "jwks_uri": format!("{issuer}/oauth/keys"),
        "code_challenge_methods_supported": ["S256"],
        "ui_locales_supported": ["en", "zh-CN"],
        // RFC 9207 §3.
        "authorization_response_iss_parameter_supported": true,
    })
}
