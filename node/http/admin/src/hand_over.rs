//! /api/hand-over: the creator offers the role to a member, who takes it; both prove anew who they are (ADM-7).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Actor, Object};
use hongyan_directory::{AccountRecord, HandOver};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};
use crate::role::{Administrator, view as view_administrator};

/// An offer of the creator's role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatorOffer {
    /// The creator.
    by: String,
    /// Who is to be it.
    to: String,
    /// The offer counts until then.
    until_millis: i64,
}

/// Whom the creator's role is offered to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCreatorOffer {
    /// An active member's address.
    member: String,
}

fn missing() -> Problem {
    Problem::not_found("the creator's role is offered to nobody")
}

async fn me(caller: &Caller) -> Result<Arc<AccountRecord>> {
    let Actor::Person(person) = &caller.actor else {
        return Err(Problem::invalid(
            "an operator gives the role: PUT /api/members/{address}/role",
        ));
    };
    let account = caller.directory.account(person.account).await?;
    account.ok_or_else(|| Problem::not_found("it does not exist any more"))
}

async fn view(caller: &Caller, offer: &HandOver) -> Result<CreatorOffer> {
    let (by, to) = (
        caller.directory.account(offer.by).await?,
        caller.directory.account(offer.to).await?,
    );
    let (Some(by), Some(to)) = (by, to) else {
        return Err(missing());
    };
    Ok(CreatorOffer {
        by: by.address.to_string(),
        to: to.address.to_string(),
        until_millis: offer.until.millis,
    })
}

/// The offer, for whoever makes it and whoever it is made to: to others there is none.
async fn found(caller: &Caller, me: &AccountRecord) -> Result<HandOver> {
    let organisation = Object::organisation(me.tenant);
    let offer = caller.directory.hand_over(me.tenant).await?.ok_or_else(missing)?;
    if offer.to == me.id {
        caller.permit(Action::TakeOver, &organisation.of(me.id))?;
        return Ok(offer);
    }
    match caller.permit(Action::HandOver, &organisation) {
        Ok(_) => Ok(offer),
        Err(_) => Err(missing()),
    }
}

/// What the creator has offered and nobody has answered: for the two whom it is about.
#[utoipa::path(get, path = "/api/hand-over", responses((status = 200, body = CreatorOffer), Failure))]
pub(crate) async fn show(caller: Caller) -> Result<Json<CreatorOffer>> {
    let me = me(&caller).await?;
    let offer = found(&caller, &me).await?;
    Ok(Json(view(&caller, &offer).await?))
}

/// The creator offers the role to a member, in place of what was offered before. It takes a fresh proof.
#[utoipa::path(post, path = "/api/hand-over", request_body = NewCreatorOffer, responses((status = 201, body = CreatorOffer), Failure))]
pub(crate) async fn offer(
    caller: Caller,
    Body(asked): Body<NewCreatorOffer>,
) -> Result<(StatusCode, Json<CreatorOffer>)> {
    let me = me(&caller).await?;
    let to = caller.member(Action::HandOver, &asked.member).await?;
    caller.check_proof()?;
    let offer = caller.directory.offer_creator(&me, &to).await?;
    tracing::info!(account = me.id.0, to = to.id.0, "the creator's role is offered");
    Ok((StatusCode::CREATED, Json(view(&caller, &offer).await?)))
}

/// Takes the offer back, or declines it.
#[utoipa::path(delete, path = "/api/hand-over", responses((status = 204), Failure))]
pub(crate) async fn withdraw(caller: Caller) -> Result<StatusCode> {
    let me = me(&caller).await?;
    found(&caller, &me).await?;
    caller.directory.withdraw_creator(me.tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the role that is offered to the caller; who had it stays a super administrator. It takes a fresh proof.
#[utoipa::path(post, path = "/api/hand-over/accept", responses((status = 200, body = Administrator), Failure))]
pub(crate) async fn accept(caller: Caller) -> Result<Json<Administrator>> {
    let me = me(&caller).await?;
    let offer = found(&caller, &me).await?;
    if offer.to != me.id {
        return Err(missing());
    }
    caller.check_proof()?;
    let account = caller.directory.accept_creator(&me).await?;
    for changed in [offer.by, account.id] {
        caller.access.account_changed(changed).await?;
    }
    tracing::info!(
        account = account.id.0,
        by = offer.by.0,
        "the creator's role is handed over"
    );
    Ok(Json(view_administrator(&account)))
}
