//! Changes a member or a shared mailbox.

use std::collections::BTreeMap;

use axum::extract::Path;
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{
    AccountChange, AccountRecord, AccountState, DepartmentId, Field, Language, Limit, Quota, Role, Seat, TagId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Member, change_action, check_departments, present, set_quota, view};
use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::organisation;
use crate::problem::{Failure, Problem, Result};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberChange)]
pub(crate) struct Change {
    /// `active` or `disabled`; `suspended` is the operator's.
    state: Option<AccountState>,
    display_name: Option<String>,
    /// Fields of the profile to change; those left out stay.
    #[serde(default)]
    #[schema(value_type = hongyan_directory::Profile)]
    profile: Map<String, Value>,
    departments: Option<Vec<DepartmentId>>,
    tags: Option<Vec<TagId>>,
    seat: Option<Seat>,
    quota: Option<Quota>,
    /// Limits by name, tighter than the organisation's; null takes the member's own away, others stay.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Option<u64>>)]
    limits: BTreeMap<Limit, Option<u64>>,
    /// Settings to change; those left out stay.
    #[serde(default)]
    #[schema(value_type = hongyan_directory::AccountSettings)]
    settings: Map<String, Value>,
    /// On makes it a super administrator, off takes any role away.
    administrator: Option<bool>,
    /// Disables it even when others count on it.
    #[serde(default)]
    confirm_uses: bool,
    /// Null for the organisation's.
    #[serde(default, deserialize_with = "organisation::present_field")]
    language: Option<Option<Language>>,
}

/// Changes a member or a shared mailbox.
#[utoipa::path(patch, path = "/api/members/{address}", params(("address" = String, Path)), request_body = Change, responses((status = 200, body = Member), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<Member>> {
    let account = caller.member(Action::ReadMembers, &address).await?;
    permit_change(&caller, &account, &change).await?;
    let change = AccountChange {
        state: change.state.into(),
        display_name: change.display_name.into(),
        quota: change.quota.into(),
        settings: merged("settings", &account.settings, change.settings)?,
        role: role(&account, change.administrator),
        language: change.language.into(),
        profile: merged("profile", &account.profile, change.profile)?,
        departments: change.departments.into(),
        tags: change.tags.into(),
        seat: change.seat.into(),
        limits: change.limits,
        confirm_uses: change.confirm_uses,
        expect,
    };
    let quota_changes = change.quota != Field::Keep;
    let outcome = caller.directory.change_account(account.id, &change).await;
    let account = with_present(outcome, async { present(&caller, account.id).await }).await?;
    caller.access.account_changed(account.id).await?;
    if quota_changes {
        set_quota(&caller, &account).await?;
    }
    tracing::info!(account = account.id.0, "account changed");
    Ok(Tagged::new(account.etag(), view(&account)))
}

/// Each part of a change takes its own right.
async fn permit_change(caller: &Caller, account: &AccountRecord, change: &Change) -> Result<()> {
    let action = change_action(account.kind);
    caller.permit_member(action, account, &account.address).await?;
    if let Some(state) = change.state.filter(|state| *state != account.state) {
        caller
            .permit_member(Action::ControlMembers, account, &account.address)
            .await?;
        if AccountState::Suspended == state || AccountState::Suspended == account.state {
            caller.permit(Action::ManageOrganisations, &Object::organisation(account.tenant))?;
        }
    }
    if change.administrator.is_some() {
        caller
            .permit_member(Action::ChangeRoles, account, &account.address)
            .await?;
    }
    if let Some(departments) = &change.departments {
        let (before, after) = (&account.departments, departments);
        let left = before.iter().filter(|id| !after.contains(id));
        let joined = after.iter().filter(|id| !before.contains(id));
        let touched: Vec<DepartmentId> = left.chain(joined).copied().collect();
        check_departments(caller, action, account.tenant, &touched).await?;
    }
    Ok(())
}

fn role(account: &AccountRecord, administrator: Option<bool>) -> Field<Option<Role>> {
    match (administrator, &account.role) {
        (Some(true), None) => Field::Set(Some(Role::Super)),
        (Some(false), Some(_)) => Field::Set(None),
        _ => Field::Keep,
    }
}

/// What there is with the fields of `change` on top.
fn merged<T: Serialize + DeserializeOwned>(what: &str, present: &T, change: Map<String, Value>) -> Result<Field<T>> {
    if change.is_empty() {
        return Ok(Field::Keep);
    }
    let invalid = |error: serde_json::Error| Problem::unreadable(&format!("{what}: {error}"));
    let mut merged = serde_json::to_value(present).map_err(invalid)?;
    for (name, value) in change {
        merged[name] = value;
    }
    Ok(Field::Set(serde_json::from_value(merged).map_err(invalid)?))
}
