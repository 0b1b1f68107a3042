//! /api/session/password

use axum::http::StatusCode;
use axum::response::Response;
use hongyan_sasl::Secret;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Guest, WebSession, private, view};
use crate::body::Body;
use crate::member::Password;
use crate::problem::{Failure, Result};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    old: Password,
    new: Password,
}

/// Changes one's own password. All other sessions end, and the trust in devices; app passwords stay.
#[utoipa::path(put, path = "/api/session/password", request_body = Change, responses((status = 200, body = WebSession), Failure))]
pub(crate) async fn change_password(guest: Guest, Body(change): Body<Change>) -> Result<Response> {
    let (old, new) = (Secret::new(change.old.0), Secret::new(change.new.0));
    let access = &guest.state.access;
    let session = access
        .web_change_password(guest.token()?, &old, &new, guest.peer)
        .await?;
    Ok(private(StatusCode::OK, view(&guest.state, &session).await?))
}
