//! /api/members/{address}/sign-in: how a member proves to be who they are.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_types::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Result};

/// How a member signs in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignIn {
    /// Whether mail clients need an app password (AUTH-24).
    secure_login: bool,
    /// App passwords there are.
    app_passwords: usize,
    /// Whether a password alone does not sign in to the web client.
    second_factor: bool,
    /// Recovery codes that are left.
    recovery_codes: usize,
    /// Whether the password has to be changed at the next sign-in.
    must_change_password: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Whether mail clients need an app password; running sessions stay.
    secure_login: Option<bool>,
    /// Whether the password has to be changed at the next sign-in; not for oneself.
    must_change_password: Option<bool>,
}

async fn view(caller: &Caller, account: AccountId) -> Result<SignIn> {
    let factors = caller.directory.factors(account).await?;
    Ok(SignIn {
        secure_login: factors.secure_login,
        app_passwords: factors.app_passwords.len(),
        second_factor: factors.has_second_factor(),
        recovery_codes: factors.recovery_codes.len(),
        must_change_password: factors.must_change,
    })
}

/// How a member signs in. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/sign-in", params(("address" = String, Path)), responses((status = 200, body = SignIn), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<SignIn>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    Ok(Json(view(&caller, account.id).await?))
}

/// Removes a member's second factor with its recovery codes: for whoever has lost both. `me` does it at /api/session.
#[utoipa::path(delete, path = "/api/members/{address}/second-factor", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_second_factor(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let account = caller.member(Action::ControlMembers, &address).await?;
    caller.check_proof()?;
    caller
        .access
        .remove_second_factor(&caller.directory, account.id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes how a member signs in.
#[utoipa::path(patch, path = "/api/members/{address}/sign-in", params(("address" = String, Path)), request_body = Change, responses((status = 200, body = SignIn), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(address): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<SignIn>> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    caller.check_proof()?;
    if let Some(must_change) = change.must_change_password {
        caller
            .member(Action::ControlMembers, &account.address.to_string())
            .await?;
        caller
            .access
            .set_must_change(&caller.directory, account.id, must_change)
            .await?;
    }
    if let Some(secure_login) = change.secure_login {
        caller
            .access
            .set_secure_login(&caller.directory, account.id, secure_login)
            .await?;
    }
    Ok(Json(view(&caller, account.id).await?))
}
