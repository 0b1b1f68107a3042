//! /api/session/second-factor, /proof, /totp, /recovery-codes

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hongyan_access::{SecondProof, WebProof};
use hongyan_sasl::Secret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Guest, WebSession, private, view, with_device};
use crate::body::Body;
use crate::member::Password;
use crate::problem::{Failure, Problem, Result};

/// What is shown as the second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A code of the authenticator app.
    #[default]
    Totp,
    /// One of the recovery codes.
    RecoveryCode,
    /// A code that `/api/session/sms-code` had sent.
    Sms,
}

/// The second factor, from what is shown of it.
fn proof(kind: Kind, code: Option<String>, passkey: Option<Box<RawValue>>) -> Result<SecondProof> {
    match (code, passkey) {
        (Some(code), None) => Ok(match kind {
            Kind::Totp => SecondProof::Totp(code),
            Kind::RecoveryCode => SecondProof::RecoveryCode(code),
            Kind::Sms => SecondProof::Text(code),
        }),
        (None, Some(passkey)) => Ok(SecondProof::Passkey(passkey.get().to_owned())),
        _ => Err(Problem::invalid("show a code or a passkey, one of them")),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Show {
    #[serde(default)]
    kind: Kind,
    code: Option<String>,
    /// In place of a code: what `navigator.credentials.get()` gave, as its `toJSON()` writes it.
    #[schema(value_type = Option<Object>)]
    passkey: Option<Box<RawValue>>,
    /// Whether this device shall need no code for a time.
    #[serde(default)]
    trust: bool,
    /// What to call the device; without it, what the browser calls itself.
    #[serde(default)]
    device_name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prove {
    /// For an account without a second factor.
    password: Option<Password>,
    #[serde(default)]
    kind: Kind,
    /// For an account with one.
    code: Option<String>,
    /// Likewise: what `navigator.credentials.get()` gave, as its `toJSON()` writes it.
    #[schema(value_type = Option<Object>)]
    passkey: Option<Box<RawValue>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Offer {
    /// How long a code is shown: 60, or 30 for apps that know nothing else.
    #[serde(default = "period_default")]
    period_secs: u32,
}

fn period_default() -> u32 {
    60
}

/// What an authenticator app is told.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offered {
    /// In base32, for typing.
    secret: String,
    /// The same with all else, for a QR code.
    uri: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirm {
    /// The app's first code.
    code: String,
}

/// Recovery codes: told this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

impl RecoveryCodes {
    fn of(codes: &[Secret]) -> Self {
        Self {
            recovery_codes: codes.iter().map(|code| code.reveal().to_owned()).collect(),
        }
    }
}

/// Shows the second factor. The fifth wrong code ends the session.
#[utoipa::path(post, path = "/api/session/second-factor", request_body = Show, responses((status = 200, body = WebSession), Failure))]
pub(crate) async fn second_factor(guest: Guest, Body(shown): Body<Show>) -> Result<Response> {
    let trust = shown.trust.then_some(shown.device_name.as_str());
    let access = &guest.state.access;
    let proof = proof(shown.kind, shown.code, shown.passkey)?;
    let passed = access
        .web_second_factor(guest.token()?, &proof, trust, guest.peer)
        .await?;
    let body = view(&guest.state, &passed.session).await?;
    let days = access.trusted_device_days();
    Ok(with_device(private(StatusCode::OK, body), passed.device.as_ref(), days))
}

/// Proves anew who one is: before what is delicate, when the last proof is too old.
#[utoipa::path(post, path = "/api/session/proof", request_body = Prove, responses((status = 200, body = WebSession), Failure))]
pub(crate) async fn prove(guest: Guest, Body(shown): Body<Prove>) -> Result<Response> {
    let proof = match (shown.password, shown.code, shown.passkey) {
        (Some(password), None, None) => WebProof::Password(Secret::new(password.0)),
        (None, code, passkey) => WebProof::Second(proof(shown.kind, code, passkey)?),
        _ => return Err(Problem::invalid("show the password, a code or a passkey, one of them")),
    };
    let proved = guest.state.access.web_prove(guest.token()?, &proof, guest.peer).await?;
    Ok(private(StatusCode::OK, view(&guest.state, &proved).await?))
}

/// Offers an authenticator app. It counts once it has shown its first code, within 15 minutes. Needs a fresh proof.
#[utoipa::path(post, path = "/api/session/totp", request_body = Offer, responses((status = 201, body = Offered), Failure))]
pub(crate) async fn offer_totp(guest: Guest, Body(asked): Body<Offer>) -> Result<Response> {
    let access = &guest.state.access;
    let offer = access
        .web_begin_totp(guest.token()?, asked.period_secs, guest.peer)
        .await?;
    let body = Offered {
        secret: offer.secret.reveal().to_owned(),
        uri: offer.uri.reveal().to_owned(),
    };
    Ok(private(StatusCode::CREATED, body))
}

/// The authenticator app shows its first code and is the second factor from now on.
#[utoipa::path(put, path = "/api/session/totp", request_body = Confirm, responses((status = 200, body = RecoveryCodes), Failure))]
pub(crate) async fn confirm_totp(guest: Guest, Body(shown): Body<Confirm>) -> Result<Response> {
    let access = &guest.state.access;
    let codes = access.web_confirm_totp(guest.token()?, &shown.code, guest.peer).await?;
    Ok(private(StatusCode::OK, RecoveryCodes::of(&codes)))
}

/// Makes new recovery codes; earlier ones are good no more. Needs a fresh proof.
#[utoipa::path(post, path = "/api/session/recovery-codes", responses((status = 201, body = RecoveryCodes), Failure))]
pub(crate) async fn renew_recovery_codes(guest: Guest) -> Result<Response> {
    let access = &guest.state.access;
    let codes = access.web_renew_recovery_codes(guest.token()?, guest.peer).await?;
    Ok(private(StatusCode::CREATED, RecoveryCodes::of(&codes)))
}

/// Removes authenticator app, passkeys and recovery codes. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/session/second-factor", responses((status = 204), Failure))]
pub(crate) async fn remove_second_factor(guest: Guest) -> Result<Response> {
    let access = &guest.state.access;
    access.web_remove_second_factor(guest.token()?, guest.peer).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
