//! /api/organisations/{name}/sanctions: what the operator does against abuse (ORG-16).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{NewSanction, Restrictions, SanctionId, SanctionKind, SanctionRecord};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::page::Page;
use crate::problem::{Failure, Problem, Result};

/// What was done, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sanction {
    id: u32,
    /// The member; null is the whole organisation.
    member: Option<String>,
    kind: SanctionKind,
    /// With a limit: what does not work.
    stops: Restrictions,
    reason: String,
    at_millis: i64,
    /// When it was lifted.
    lifted_millis: Option<i64>,
    lifted_reason: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSanction)]
pub(crate) struct Impose {
    /// A member's address; nobody's is the whole organisation.
    member: Option<String>,
    kind: SanctionKind,
    /// With a limit: what shall not work.
    #[serde(default)]
    stops: Restrictions,
    /// Why; those concerned are told.
    reason: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LiftSanction)]
pub(crate) struct Lift {
    /// Why.
    reason: String,
}

fn view(sanction: SanctionRecord) -> Sanction {
    let (lifted, reason) = sanction.lifted.unzip();
    Sanction {
        id: sanction.id.0,
        member: sanction.address,
        kind: sanction.kind,
        stops: sanction.restrictions,
        reason: sanction.reason,
        at_millis: sanction.at.millis,
        lifted_millis: lifted.map(|at| at.millis),
        lifted_reason: reason,
    }
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

/// Sessions that are no longer allowed end on all nodes.
async fn settle(caller: &Caller, sanction: &SanctionRecord) -> Result<()> {
    match sanction.account {
        Some(account) => caller.access.account_changed(account).await?,
        None => caller.access.tenant_changed(sanction.tenant).await?,
    };
    Ok(())
}

/// All sanctions of an organisation and its members, lifted ones too, the oldest first.
#[utoipa::path(get, path = "/api/organisations/{name}/sanctions", params(("name" = String, Path)), responses((status = 200, body = Page<Sanction>), Failure))]
pub(crate) async fn list(caller: Caller, Path(name): Path<String>) -> Result<Json<Page<Sanction>>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    let sanctions = caller.directory.sanctions(id).await?;
    Ok(Json(Page::with_next(sanctions.into_iter().map(view).collect(), None)))
}

/// Warns, limits, suspends or closes an organisation or one of its members. Those concerned get a mail with the reason.
#[utoipa::path(post, path = "/api/organisations/{name}/sanctions", params(("name" = String, Path)), request_body = Impose, responses((status = 201, body = Sanction), Failure))]
pub(crate) async fn impose(
    caller: Caller,
    Path(name): Path<String>,
    Body(new): Body<Impose>,
) -> Result<(StatusCode, Json<Sanction>)> {
    let tenant = named(&caller, Action::ManageOrganisations, &name).await?;
    let account = match &new.member {
        Some(address) => Some(caller.member(Action::ReadMembers, address).await?.id),
        None => None,
    };
    let new = NewSanction {
        tenant,
        account,
        kind: new.kind,
        restrictions: new.stops,
        reason: new.reason,
    };
    let sanction = caller.directory.impose(&new).await?;
    settle(&caller, &sanction).await?;
    Ok((StatusCode::CREATED, Json(view(sanction))))
}

/// Lifts a sanction: what it stopped works again, unless another still stops it.
#[utoipa::path(post, path = "/api/organisations/{name}/sanctions/{id}/lifting", params(("name" = String, Path), ("id" = u32, Path)), request_body = Lift, responses((status = 200, body = Sanction), Failure))]
pub(crate) async fn lift(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    Body(lift): Body<Lift>,
) -> Result<Json<Sanction>> {
    let tenant = named(&caller, Action::ManageOrganisations, &name).await?;
    let id = id
        .parse()
        .map_err(|_| Problem::not_found("there is no such sanction"))?;
    let sanction = caller.directory.lift(tenant, SanctionId(id), &lift.reason).await?;
    settle(&caller, &sanction).await?;
    Ok(Json(view(sanction)))
}
