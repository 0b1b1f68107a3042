//! Another main address for a member whose own was made up (MEM-1, MEM-11).

use axum::extract::Path;
use hongyan_directory::AddressChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Member, change_action, present, view};
use crate::body::Body;
use crate::caller::{Caller, parse_address};
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Result};
use hongyan_access::permission::Action;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAddress {
    /// The new main address, in a domain of the same organisation; an alias of the member's own may become it.
    address: String,
    /// The old one is free for others; it becomes an alias when left out.
    #[serde(default)]
    release: bool,
}

/// Changes the main address of a member whose own was made from the name: once. Groups that had the old one have the new one.
#[utoipa::path(put, path = "/api/members/{address}/address", params(("address" = String, Path)), request_body = SetAddress, responses((status = 200, body = Member), Failure))]
pub(crate) async fn set_address(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
    Body(asked): Body<SetAddress>,
) -> Result<Tagged<Member>> {
    let account = caller.member(Action::ReadMembers, &address).await?;
    let action = change_action(account.kind);
    caller.permit_member(action, &account, &account.address).await?;
    let change = AddressChange {
        address: parse_address(&asked.address)?,
        release: asked.release,
        expect,
    };
    let outcome = caller.directory.change_address(account.id, &change).await;
    let account = with_present(outcome, async { present(&caller, account.id).await }).await?;
    caller.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, "address changed");
    Ok(Tagged::new(account.etag(), view(&account)))
}
