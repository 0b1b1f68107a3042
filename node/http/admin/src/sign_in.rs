//! /api/members/{address}/sign-in: how a member proves to be who they are.

use axum::Json;
use axum::extract::Path;
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
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Whether mail clients need an app password; running sessions stay.
    secure_login: Option<bool>,
}

async fn view(caller: &Caller, account: AccountId) -> Result<SignIn> {
    let factors = caller.directory.factors(account).await?;
    Ok(SignIn {
        secure_login: factors.secure_login,
        app_passwords: factors.app_passwords.len(),
    })
}

/// How a member signs in. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/sign-in", params(("address" = String, Path)), responses((status = 200, body = SignIn), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<SignIn>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    Ok(Json(view(&caller, account.id).await?))
}

/// Changes how a member signs in.
#[utoipa::path(patch, path = "/api/members/{address}/sign-in", params(("address" = String, Path)), request_body = Change, responses((status = 200, body = SignIn), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(address): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<SignIn>> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    if let Some(secure_login) = change.secure_login {
        caller
            .access
            .set_secure_login(&caller.directory, account.id, secure_login)
            .await?;
    }
    Ok(Json(view(&caller, account.id).await?))
}
