//! /api/session/passkey-request, /passkey-offer, /passkeys: signing in with a passkey, and making one.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Guest, private};
use crate::body::Body;
use crate::problem::{Failure, Result};

/// What a passkey is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// To begin a session with nothing else.
    SignIn,
    /// To show who one is in a session that has begun: as the second factor, or as a fresh proof.
    Proof,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    purpose: Purpose,
}

/// For the browser.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForBrowser {
    /// For `PublicKeyCredential.parseRequestOptionsFromJSON` or `parseCreationOptionsFromJSON` (WebAuthn level 3 §5.1).
    #[schema(value_type = Object)]
    options: Value,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    /// What to call the passkey: 1 to 64 characters.
    name: String,
    /// What `navigator.credentials.create()` gave, as its `toJSON()` writes it.
    #[schema(value_type = Object)]
    passkey: Box<RawValue>,
}

/// A passkey that was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Added {
    id: u32,
    name: String,
    /// Where it is the first second factor: told this once.
    recovery_codes: Vec<String>,
}

/// Asks for a passkey: the answer is good once, for five minutes, for this purpose and session.
#[utoipa::path(post, path = "/api/session/passkey-request", request_body = Ask, responses((status = 200, body = ForBrowser), Failure))]
pub(crate) async fn request_passkey(guest: Guest, Body(asked): Body<Ask>) -> Result<Response> {
    let access = &guest.state.access;
    let options = match asked.purpose {
        Purpose::SignIn => access.passkey_sign_in_request(),
        Purpose::Proof => access.web_passkey_request(guest.token()?, guest.peer).await?,
    };
    Ok(private(StatusCode::OK, ForBrowser { options }))
}

/// Offers to take a passkey. Needs a fresh proof.
#[utoipa::path(post, path = "/api/session/passkey-offer", responses((status = 200, body = ForBrowser), Failure))]
pub(crate) async fn offer_passkey(guest: Guest) -> Result<Response> {
    let access = &guest.state.access;
    let options = access.web_offer_passkey(guest.token()?, guest.peer).await?;
    Ok(private(StatusCode::OK, ForBrowser { options }))
}

/// Takes a passkey: from now on the password alone does not sign in. Needs a fresh proof.
#[utoipa::path(post, path = "/api/session/passkeys", request_body = Add, responses((status = 201, body = Added), Failure))]
pub(crate) async fn add_passkey(guest: Guest, Body(new): Body<Add>) -> Result<Response> {
    let access = &guest.state.access;
    let added = access
        .web_add_passkey(guest.token()?, &new.name, new.passkey.get(), guest.peer)
        .await?;
    let codes = added.recovery_codes.iter();
    let body = Added {
        id: added.passkey.id,
        name: added.passkey.name,
        recovery_codes: codes.map(|code| code.reveal().to_owned()).collect(),
    };
    Ok(private(StatusCode::CREATED, body))
}

/// Removes the authenticator app. Recovery codes stay while there are passkeys. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/session/totp", responses((status = 204), Failure))]
pub(crate) async fn remove_totp(guest: Guest) -> Result<Response> {
    let access = &guest.state.access;
    access.web_remove_totp(guest.token()?, guest.peer).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
