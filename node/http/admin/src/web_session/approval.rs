//! /api/session/approval, /approvals: a sign-in that is confirmed on a device that is signed in already (AUTH-18).

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hongyan_access::Approval;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Guest, private};
use crate::body::Body;
use crate::problem::{Failure, Problem, Result};

/// What is shown where somebody signs in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Asked {
    /// The number to type on the other device.
    number: u8,
    end_millis: i64,
}

/// A sign-in that waits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    id: String,
    /// From which address.
    peer: String,
    /// What the browser calls itself.
    client: String,
    created_millis: i64,
    end_millis: i64,
    /// `sign-in`, or `proof` where somebody is signed in and proves anew who they are.
    what: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AllWaiting {
    items: Vec<Waiting>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Typed {
    /// The number that is shown where somebody signs in.
    number: u8,
}

impl From<Approval> for Waiting {
    fn from(approval: Approval) -> Self {
        Self {
            id: approval.id.to_string(),
            peer: approval.peer,
            client: approval.client,
            created_millis: approval.created.millis,
            end_millis: approval.end.millis,
            what: if approval.is_proof { "proof" } else { "sign-in" },
        }
    }
}

/// Asks, in place of the second factor or of a fresh proof, for a confirmation on another device that is signed in. The number is to be typed there; then the
/// session is at its next stage, which `GET /api/session` shows. Asking again gives another number.
#[utoipa::path(post, path = "/api/session/approval", responses((status = 201, body = Asked), Failure))]
pub(crate) async fn ask_approval(guest: Guest) -> Result<Response> {
    let asked = guest.state.access.web_ask_approval(guest.token()?, guest.peer).await?;
    let body = Asked {
        number: asked.number,
        end_millis: asked.end.millis,
    };
    Ok(private(StatusCode::CREATED, body))
}

/// Sign-ins of the account that wait for a confirmation. The number is not among what is shown of them.
#[utoipa::path(get, path = "/api/session/approvals", responses((status = 200, body = AllWaiting), Failure))]
pub(crate) async fn approvals(guest: Guest) -> Result<Response> {
    let items = waiting(&guest).await?;
    Ok(private(StatusCode::OK, AllWaiting { items }))
}

pub(super) async fn waiting(guest: &Guest) -> Result<Vec<Waiting>> {
    let found = guest.state.access.web_approvals(guest.token()?, guest.peer).await?;
    Ok(found.into_iter().map(Waiting::from).collect())
}

/// Confirms a sign-in with the number that it shows. The fifth wrong number ends it.
#[utoipa::path(post, path = "/api/session/approvals/{id}", params(("id" = String, Path)), request_body = Typed, responses((status = 204), Failure))]
pub(crate) async fn approve(guest: Guest, Path(id): Path<String>, Body(typed): Body<Typed>) -> Result<Response> {
    let access = &guest.state.access;
    access
        .web_approve(guest.token()?, number(&id)?, typed.number, guest.peer)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Refuses a sign-in: it ends.
#[utoipa::path(delete, path = "/api/session/approvals/{id}", params(("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn refuse(guest: Guest, Path(id): Path<String>) -> Result<Response> {
    let access = &guest.state.access;
    access.web_refuse(guest.token()?, number(&id)?, guest.peer).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn number(id: &str) -> Result<u64> {
    id.parse().map_err(|_| Problem::not_found("no such sign-in waits"))
}
