//! /api/members/{address}/preferences: how a member likes to work.

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_profile::{Preferences, ProfileError, Profiles};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Invalid(detail) => Self::invalid(detail),
            ProfileError::NotFound(what) => Self::not_found(format!("there is no {what}")),
            ProfileError::Directory(error) => error.into(),
        }
    }
}

/// How a member likes to work; `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/preferences", params(("address" = String, Path)), responses((status = 200, body = Preferences), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Json<Preferences>> {
    let account = caller.member_or_me(Action::ReadPreferences, &address).await?;
    Ok(Json(Profiles::new(&caller.directory).preferences(&account).await?))
}

/// Changes the fields that are sent and no others; null sets a field back. Everyone does so for themselves.
#[utoipa::path(patch, path = "/api/members/{address}/preferences", params(("address" = String, Path)), request_body = Preferences, responses((status = 200, body = Preferences), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(address): Path<String>,
    Body(change): Body<Map<String, Value>>,
) -> Result<Json<Preferences>> {
    let account = caller.member_or_me(Action::ChangePreferences, &address).await?;
    let profiles = Profiles::new(&caller.directory);
    Ok(Json(profiles.change_preferences(&account, &change).await?))
}
