//! /api/members/{address}/sign-in: how a member proves to be who they are.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::Protocol;
use hongyan_access::permission::Action;
use hongyan_directory::SignInRule;
use hongyan_types::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};
use crate::sign_in_policy::ranges;

/// How a member signs in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignIn {
    /// Whether mail clients need an app password (AUTH-24).
    secure_login: bool,
    /// App passwords there are.
    app_passwords: usize,
    /// Whether a password alone does not sign in to the web client.
    second_factor: bool,
    /// Passkeys there are.
    passkeys: usize,
    /// Whether a phone is bound that codes are sent to.
    phone: bool,
    /// Whether there is a recovery mailbox.
    recovery_mailbox: bool,
    /// Recovery codes that are left.
    recovery_codes: usize,
    /// Whether the password has to be changed at the next sign-in.
    must_change_password: bool,
    /// The ways in that administrators have closed to this member.
    closed: Vec<Protocol>,
    /// From where this member signs in, instead of the organisation's networks; those when there are none.
    networks: Vec<String>,
    /// Whether administrators demand app passwords for this member's clients (LGN-12).
    secure_login_forced: bool,
    /// Until when a second factor has to be set up; null where none is demanded, or there is one.
    set_up_until_millis: Option<i64>,
    /// What was put right in what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Whether mail clients need an app password; running sessions stay.
    secure_login: Option<bool>,
    /// Whether the password has to be changed at the next sign-in; not for oneself.
    must_change_password: Option<bool>,
    /// The ways in to close to this member; not for oneself.
    closed: Option<BTreeSet<Protocol>>,
    /// Addresses, networks and ranges from where this member signs in; none are the organisation's; not for oneself.
    networks: Option<Vec<String>>,
    /// Whether this member's clients need app passwords, whatever the member says; not for oneself.
    secure_login_forced: Option<bool>,
}

impl Change {
    /// What only administrators say.
    fn rule(&self, present: &SignInRule) -> Result<Option<(SignInRule, Vec<String>)>> {
        let (networks, notices) = match &self.networks {
            Some(entries) => ranges(entries)?,
            None => (present.networks.clone(), Vec::new()),
        };
        let rule = SignInRule {
            closed: self.closed.clone().unwrap_or_else(|| present.closed.clone()),
            networks,
            secure_login: self.secure_login_forced.unwrap_or(present.secure_login),
        };
        let is_asked = self.closed.is_some() || self.networks.is_some() || self.secure_login_forced.is_some();
        Ok(is_asked.then_some((rule, notices)))
    }
}

async fn view(caller: &Caller, account: AccountId, notices: Vec<String>) -> Result<SignIn> {
    let login = caller.directory.login_of(account).await?;
    let login = login.ok_or_else(|| Problem::not_found("the account is gone"))?;
    let factors = &login.factors;
    Ok(SignIn {
        secure_login: factors.secure_login,
        app_passwords: factors.app_passwords.len(),
        second_factor: factors.has_second_factor(),
        passkeys: factors.passkeys.len(),
        phone: factors.phone.is_some(),
        recovery_mailbox: factors.recovery_mailbox.is_some(),
        recovery_codes: factors.recovery_codes.len(),
        must_change_password: factors.must_change,
        closed: factors.rule.closed.iter().copied().collect(),
        networks: factors.rule.networks.entries(),
        secure_login_forced: factors.rule.secure_login,
        set_up_until_millis: login.second_factor_due().map(|due| due.millis),
        notices,
    })
}

/// How a member signs in. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/sign-in", params(("address" = String, Path)), responses((status = 200, body = SignIn), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<SignIn>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    Ok(Json(view(&caller, account.id, Vec::new()).await?))
}

/// Removes a member's authenticator app, passkeys and recovery codes: for whoever has lost them. `me` does it at /api/session.
#[utoipa::path(delete, path = "/api/members/{address}/second-factor", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_second_factor(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let account = caller.member(Action::ControlMembers, &address).await?;
    caller.check_proof()?;
    caller.access.reset_second_factor(&caller.directory, account.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unbinds a member's phone and recovery mailbox (MEM-13): for whoever has lost them. `me` does it at /api/session.
#[utoipa::path(delete, path = "/api/members/{address}/reach", params(("address" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn unbind_reach(caller: Caller, Path(address): Path<String>) -> Result<StatusCode> {
    let account = caller.member(Action::ControlMembers, &address).await?;
    caller.check_proof()?;
    caller.access.unbind_reach(&caller.directory, account.id).await?;
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
    let present = caller.directory.factors(account.id).await?;
    let rule = change.rule(&present.rule)?;
    if rule.is_some() || change.must_change_password.is_some() {
        let address = account.address.to_string();
        caller.member(Action::ControlMembers, &address).await?;
    }
    let mut notices = Vec::new();
    if let Some((rule, told)) = rule {
        notices = told;
        caller
            .access
            .set_sign_in_rule(&caller.directory, account.id, &rule)
            .await?;
    }
    if let Some(must_change) = change.must_change_password {
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
    Ok(Json(view(&caller, account.id, notices).await?))
}
