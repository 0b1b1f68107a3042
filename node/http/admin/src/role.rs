//! /api/roles, /api/members/{address}/role

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::{Action, Actor};
use hongyan_directory::{AccountChange, AccountRecord, Field, MemberQuery, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::member;
use crate::problem::{Failure, Problem, Result};

/// Most administrators told of at once.
const ADMINISTRATORS_MAX: usize = 1_000;

/// An administrator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Administrator {
    address: String,
    display_name: String,
    /// Null once it was taken away.
    role: Option<Role>,
}

/// The administrators of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Administrators {
    items: Vec<Administrator>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

pub(crate) fn view(account: &AccountRecord) -> Administrator {
    Administrator {
        address: account.address.to_string(),
        display_name: account.display_name.clone(),
        role: account.role.clone(),
    }
}

/// Who may manage the organisation.
#[utoipa::path(get, path = "/api/roles", params(Whose), responses((status = 200, body = Administrators), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Whose>) -> Result<Json<Administrators>> {
    let (tenant, _) = caller.within(Action::ReadRoles, query.organisation.as_deref()).await?;
    let query = MemberQuery {
        administrators: true,
        ..MemberQuery::default()
    };
    let page = caller
        .directory
        .find_members(tenant, &query, None, ADMINISTRATORS_MAX)
        .await?;
    let items = page.accounts.iter().map(|account| view(account)).collect();
    Ok(Json(Administrators { items }))
}

/// Gives a member a role. The creator's is given by operators alone, and taken from who has it; the creator offers it at /api/hand-over.
#[utoipa::path(put, path = "/api/members/{address}/role", params(("address" = String, Path)), request_body = Role, responses((status = 200, body = Administrator), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
    Body(role): Body<Role>,
) -> Result<Tagged<Administrator>> {
    let action = match role {
        Role::Creator => Action::HandOver,
        Role::Super | Role::Delegated { .. } => Action::ChangeRoles,
    };
    let account = caller.member(action, &address).await?;
    // ADM-7: both prove who they are, and who is to have it wants it.
    if role == Role::Creator && matches!(caller.actor, Actor::Person(_)) {
        let detail = "the creator offers the role, and the member takes it: POST /api/hand-over";
        return Err(hongyan_directory::Error::Refused(detail.to_owned()).into());
    }
    give(&caller, &account, Some(role), expect).await
}

/// Takes a member's role away.
#[utoipa::path(delete, path = "/api/members/{address}/role", params(("address" = String, Path)), responses((status = 200, body = Administrator), Failure))]
pub(crate) async fn withdraw(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
) -> Result<Tagged<Administrator>> {
    let account = caller.member(Action::ChangeRoles, &address).await?;
    if account.role.is_none() {
        return Err(Problem::not_found(format!("{address} has no role")));
    }
    give(&caller, &account, None, expect).await
}

async fn give(
    caller: &Caller,
    account: &AccountRecord,
    role: Option<Role>,
    expect: Option<hongyan_directory::Etag>,
) -> Result<Tagged<Administrator>> {
    let change = AccountChange {
        role: Field::Set(role),
        expect,
        ..AccountChange::default()
    };
    let outcome = caller.directory.change_account(account.id, &change).await;
    let changed = with_present(outcome, async { member::present(caller, account.id).await }).await?;
    caller.access.account_changed(changed.id).await?;
    Ok(Tagged::new(changed.etag(), view(&changed)))
}
