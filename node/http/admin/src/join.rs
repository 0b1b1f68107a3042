//! /api/join/{invitation}: what somebody sees and says who has an invitation (MEM-3, MEM-5).
//!
//! Reached by whoever has not signed in, so it takes no actor: the invitation in the path is the right to join. One that
//! is over, used up, taken back or made up looks as if it were not there.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hongyan_access::{JoinError, JoinWish};
use hongyan_directory::Joined;
use hongyan_sasl::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AdminState;
use crate::body::Body;
use crate::member::Password;
use crate::problem::{Failure, Problem, Result};

/// What an invitation is for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinPage {
    organisation: String,
    /// Where who joins gets an address.
    domain: String,
    /// The address that is there already and waits for its person; null when a new one is to be chosen.
    address: Option<String>,
    display_name: String,
    /// Whether an administrator looks at it first.
    review: bool,
    expires_millis: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinRequest {
    /// The address wanted, or the part before the domain. Not for one whose address is there already.
    address: Option<String>,
    #[serde(default)]
    display_name: String,
    password: Password,
    #[serde(default)]
    mobile: String,
    /// Where to be told outside.
    #[serde(default)]
    private_address: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinResult {
    /// `joined`, or `waiting` for an administrator.
    result: &'static str,
    address: String,
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Ended(_) => Self::not_found(error.to_string()),
            JoinError::Address(text) => Self::invalid(text),
            JoinError::Access(error) => error.into(),
        }
    }
}

/// What an invitation is for.
#[utoipa::path(get, path = "/api/join/{invitation}", params(("invitation" = String, Path)), responses((status = 200, body = JoinPage), Failure))]
pub(crate) async fn show(State(state): State<AdminState>, Path(text): Path<String>) -> Result<Json<JoinPage>> {
    let offer = state.access.join_offer(&text).await?;
    let (invitation, account) = (offer.invitation, offer.account);
    Ok(Json(JoinPage {
        organisation: offer.organisation,
        domain: invitation.domain.to_string(),
        address: account.as_ref().map(|account| account.address.to_string()),
        display_name: account.map(|account| account.display_name.clone()).unwrap_or_default(),
        review: invitation.review,
        expires_millis: invitation.expires.millis,
    }))
}

/// Joins, or asks to.
#[utoipa::path(post, path = "/api/join/{invitation}", params(("invitation" = String, Path)), request_body = JoinRequest, responses((status = 201, body = JoinResult), (status = 202, body = JoinResult), Failure))]
pub(crate) async fn join(
    State(state): State<AdminState>,
    Path(text): Path<String>,
    Body(asked): Body<JoinRequest>,
) -> Result<Response> {
    let offer = state.access.join_offer(&text).await?;
    let wish = JoinWish {
        address: asked.address,
        display_name: asked.display_name,
        mobile: asked.mobile,
        private_address: asked.private_address,
        password: Secret::new(asked.password.0),
    };
    let (status, result, address) = match state.access.join_by_invitation(&offer, &wish).await? {
        Joined::Member(account) => (StatusCode::CREATED, "joined", account.address.clone()),
        Joined::Waits(application) => (StatusCode::ACCEPTED, "waiting", application.address.clone()),
    };
    let result = JoinResult {
        result,
        address: address.to_string(),
    };
    Ok((status, Json(result)).into_response())
}
