//! /api/organisations/{name}/terms, /api/terms: terms that members accept before first use (AUTH-29).

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// Terms as they are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Terms {
    /// One more with each new text; 0 when there never was any.
    version: u32,
    english: String,
    chinese: String,
    since_millis: i64,
    /// Whether members have to accept them.
    asked: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTerms {
    /// At most 40,000 octets.
    #[serde(default)]
    english: String,
    /// At most 40,000 octets.
    #[serde(default)]
    chinese: String,
}

impl From<hongyan_directory::Terms> for Terms {
    fn from(terms: hongyan_directory::Terms) -> Self {
        Self {
            asked: terms.is_asked(),
            version: terms.version,
            english: terms.english,
            chinese: terms.chinese,
            since_millis: terms.since.millis,
        }
    }
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

async fn set_of(caller: &Caller, of: Option<TenantId>, new: &NewTerms) -> Result<Json<Terms>> {
    if new.english.trim().is_empty() && new.chinese.trim().is_empty() {
        return Err(Problem::invalid(
            "terms have a text in English, Chinese or both; DELETE withdraws them",
        ));
    }
    let set = caller.directory.set_terms(of, new.english.trim(), new.chinese.trim());
    Ok(Json(set.await?.into()))
}

/// The terms of an organisation.
#[utoipa::path(get, path = "/api/organisations/{name}/terms", operation_id = "show_organisation_terms", params(("name" = String, Path)), responses((status = 200, body = Terms), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Json<Terms>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    Ok(Json(caller.directory.terms(Some(id)).await?.into()))
}

/// Sets the terms of an organisation. A text that is not the present one is a new version, which every member is asked for before they
/// go on in the web client.
#[utoipa::path(put, path = "/api/organisations/{name}/terms", operation_id = "set_organisation_terms", params(("name" = String, Path)), request_body = NewTerms, responses((status = 200, body = Terms), Failure))]
pub(crate) async fn set(caller: Caller, Path(name): Path<String>, Body(new): Body<NewTerms>) -> Result<Json<Terms>> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    set_of(&caller, Some(id), &new).await
}

/// Withdraws the terms of an organisation: nobody is asked for them any more.
#[utoipa::path(delete, path = "/api/organisations/{name}/terms", operation_id = "withdraw_organisation_terms", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn withdraw(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    caller.directory.set_terms(Some(id), "", "").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The terms of whoever runs the server.
#[utoipa::path(get, path = "/api/terms", operation_id = "show_terms", responses((status = 200, body = Terms), Failure))]
pub(crate) async fn show_own(caller: Caller) -> Result<Json<Terms>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    Ok(Json(caller.directory.terms(None).await?.into()))
}

/// Sets the terms of whoever runs the server: members of all organisations are asked for them.
#[utoipa::path(put, path = "/api/terms", operation_id = "set_terms", request_body = NewTerms, responses((status = 200, body = Terms), Failure))]
pub(crate) async fn set_own(caller: Caller, Body(new): Body<NewTerms>) -> Result<Json<Terms>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    set_of(&caller, None, &new).await
}

/// Withdraws them.
#[utoipa::path(delete, path = "/api/terms", operation_id = "withdraw_terms", responses((status = 204), Failure))]
pub(crate) async fn withdraw_own(caller: Caller) -> Result<StatusCode> {
    caller.permit_operator(Action::ManageOrganisations)?;
    caller.directory.set_terms(None, "", "").await?;
    Ok(StatusCode::NO_CONTENT)
}
