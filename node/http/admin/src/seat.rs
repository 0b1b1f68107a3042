//! /api/seats and /api/members/{address}/seat: who has an advanced seat (PLAN-2).

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_directory::{AccountChange, AccountRecord, DepartmentId, Field, Seat};
use hongyan_types::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Asked;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::member;
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Result};

/// Who has an advanced seat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeatView {
    #[serde(skip)]
    id: AccountId,
    address: String,
    display_name: String,
    departments: Vec<DepartmentId>,
    seat: Seat,
}

fn view(account: &AccountRecord) -> SeatView {
    SeatView {
        id: account.id,
        address: account.address.to_string(),
        display_name: account.display_name.clone(),
        departments: account.departments.clone(),
        seat: account.seat,
    }
}

/// All who have an advanced seat.
#[utoipa::path(get, path = "/api/seats", params(PageQuery), responses((status = 200, body = Page<SeatView>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<SeatView>>> {
    let tenant = caller.organisation(query.organisation.as_deref()).await?;
    caller.within_whole(Action::ReadMembers, tenant)?;
    let after = query.after()?.map(AccountId);
    let holders = caller.directory.seats(tenant, after, query.limit()).await?;
    let items = holders.iter().map(view).collect();
    Ok(Json(Page::new(items, query.limit(), |seat: &SeatView| {
        seat.id.0.to_string()
    })))
}

/// Gives a member an advanced seat.
#[utoipa::path(put, path = "/api/members/{address}/seat", params(("address" = String, Path)), responses((status = 200, body = SeatView), Failure))]
pub(crate) async fn give(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
) -> Result<Tagged<SeatView>> {
    set(&caller, &address, Seat::Advanced, expect).await
}

/// Takes it back.
#[utoipa::path(delete, path = "/api/members/{address}/seat", params(("address" = String, Path)), responses((status = 200, body = SeatView), Failure))]
pub(crate) async fn withdraw(
    caller: Caller,
    Path(address): Path<String>,
    IfMatch(expect): IfMatch,
) -> Result<Tagged<SeatView>> {
    set(&caller, &address, Seat::Standard, expect).await
}

async fn set(
    caller: &Caller,
    address: &str,
    seat: Seat,
    expect: Option<hongyan_directory::Etag>,
) -> Result<Tagged<SeatView>> {
    let account = caller.member(Action::ChangeMembers, address).await?;
    let change = AccountChange {
        seat: Field::Set(seat),
        expect,
        ..AccountChange::default()
    };
    let outcome = caller.directory.change_account(account.id, &change).await;
    let account = with_present(outcome, async { member::present(caller, account.id).await }).await?;
    Ok(Tagged::new(account.etag(), view(&account)))
}
