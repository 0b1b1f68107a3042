//! /api/session/recovery, /phone-code: the ways in for whoever has not signed in and has no password (AUTH-5, AUTH-11).

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_access::{Recovery, RecoveryWay};
use hongyan_sasl::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guest, private};
use crate::body::Body;
use crate::member::Password;
use crate::problem::{Failure, Result};

/// What is shown in place of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RecoveryWay)]
pub(crate) enum By {
    /// A code sent to the recovery mailbox.
    Mailbox,
    /// A code sent to the phone.
    Phone,
    /// A code of the authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

impl From<By> for RecoveryWay {
    fn from(by: By) -> Self {
        match by {
            By::Mailbox => Self::Mailbox,
            By::Phone => Self::Phone,
            By::Totp => Self::Totp,
            By::RecoveryCode => Self::RecoveryCode,
        }
    }
}

/// The ways that there are on this server, whoever asks. Whoever has none of them asks their administrator.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryWays {
    ways: Vec<&'static str>,
    /// Whether a code sent to a phone signs in.
    phone_sign_in: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecoveryAsk)]
pub(crate) struct AskCode {
    /// One of the account's addresses.
    login: String,
    way: By,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecoveredPassword)]
pub(crate) struct NewPassword {
    /// One of the account's addresses.
    login: String,
    way: By,
    code: String,
    /// The new one.
    password: Password,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PhoneSignIn)]
pub(crate) struct AskPhone {
    /// With its country, such as `+86 138 0013 8000`; one of a Chinese mobile phone may lack it.
    number: String,
}

/// By what a forgotten password is set anew here.
#[utoipa::path(get, path = "/api/session/recovery", responses((status = 200, body = RecoveryWays), Failure))]
pub(crate) async fn ways(guest: Guest) -> Result<Response> {
    let access = &guest.state.access;
    let body = RecoveryWays {
        ways: access.recovery_ways().into_iter().map(RecoveryWay::label).collect(),
        phone_sign_in: access.has_text_gateway(),
    };
    Ok(private(StatusCode::OK, body))
}

/// Has a code sent for a forgotten password, if that account is there and is reached so: the answer is the same.
#[utoipa::path(post, path = "/api/session/recovery", request_body = AskCode, responses((status = 202), Failure))]
pub(crate) async fn ask(guest: Guest, Body(asked): Body<AskCode>) -> Result<StatusCode> {
    let access = &guest.state.access;
    access.ask_recovery(&asked.login, asked.way.into(), guest.peer)?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a forgotten password anew. Sessions and trusted devices of the account end. Whatever is not right is `wrong-code`.
#[utoipa::path(put, path = "/api/session/recovery", request_body = NewPassword, responses((status = 204), Failure))]
pub(crate) async fn recover(guest: Guest, Body(shown): Body<NewPassword>) -> Result<StatusCode> {
    let password = Secret::new(shown.password.0);
    let asked = Recovery {
        login: &shown.login,
        way: shown.way.into(),
        code: &shown.code,
        password: &password,
    };
    let access = &guest.state.access;
    access.recover_password(asked, guest.peer, &guest.client).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a code sent to a phone, if it belongs to somebody: the answer is the same. The code signs in at `/api/session`.
#[utoipa::path(post, path = "/api/session/phone-code", request_body = AskPhone, responses((status = 202), Failure))]
pub(crate) async fn ask_phone(guest: Guest, Body(asked): Body<AskPhone>) -> Result<StatusCode> {
    guest.state.access.web_ask_phone(&asked.number, guest.peer)?;
    Ok(StatusCode::ACCEPTED)
}
