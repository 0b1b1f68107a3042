//! /api/members/{address}/limits: what bounds one member, and who says so (GEN-5).

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_directory::Limit;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Failure, Result};
use crate::service::LimitView;

/// Limits in force for a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberLimits {
    items: Vec<LimitView>,
}

/// The limits of a member, each with who set it. Those of the organisation as a whole are at its plan.
#[utoipa::path(get, path = "/api/members/{address}/limits", params(("address" = String, Path)), responses((status = 200, body = MemberLimits), Failure))]
pub(crate) async fn limits(caller: Caller, Path(address): Path<String>) -> Result<Json<MemberLimits>> {
    let account = caller.member(Action::ReadMembers, &address).await?;
    let limits = caller.directory.limits_of(&account).await?;
    let factors = caller.directory.factors(account.id).await?;
    let items = limits.all().filter_map(|in_force| {
        let used = match in_force.limit {
            Limit::AliasesPerAccountMax => Some(account.aliases.len() as u64),
            Limit::AppPasswordsPerAccountMax => Some(factors.app_passwords.len() as u64),
            Limit::AccountsPerTenantMax
            | Limit::DomainsPerTenantMax
            | Limit::SharedMailboxesPerTenantMax
            | Limit::GroupsPerTenantMax
            | Limit::TokensPerTenantMax => return None,
            _ => None,
        };
        Some(LimitView::new(&in_force, used))
    });
    Ok(Json(MemberLimits { items: items.collect() }))
}
