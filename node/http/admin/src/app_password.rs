//! /api/members/{address}/app-passwords

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hongyan_access::permission::Action;
use hongyan_access::{LastUse, NewAppPassword, Protocol};
use hongyan_directory::{self as directory, SmsScope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// A password for one mail client.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppPassword {
    id: u32,
    name: String,
    /// The ways in that it opens.
    protocols: Vec<Protocol>,
    /// Whether it lets one look and change nothing.
    read_only: bool,
    /// Null is never.
    expires_millis: Option<i64>,
    created_millis: i64,
    /// When it was used last, to within some minutes; null is never.
    last_used_millis: Option<i64>,
    /// By which way.
    last_used_protocol: Option<Protocol>,
}

/// The app passwords of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppPasswords {
    items: Vec<AppPassword>,
}

/// A new app password.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeAppPassword {
    #[serde(flatten)]
    kept: AppPassword,
    /// The password itself: told this once.
    password: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// What its owner calls the client, 1 to 64 characters.
    name: String,
    /// The ways in that it opens; without any, all.
    #[serde(default)]
    protocols: Vec<Protocol>,
    #[serde(default)]
    read_only: bool,
    /// After how many days it ends; without it, never.
    #[schema(minimum = 1)]
    days: Option<u32>,
}

fn view(password: &directory::AppPassword, last: Option<LastUse>) -> AppPassword {
    AppPassword {
        id: password.id,
        name: password.name.clone(),
        protocols: password.protocols.iter().copied().collect(),
        read_only: password.read_only,
        expires_millis: password.expires.map(|at| at.millis),
        created_millis: password.created.millis,
        last_used_millis: last.map(|last| last.at.millis),
        last_used_protocol: last.map(|last| last.protocol),
    }
}

/// The app passwords of a member, the oldest first. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/app-passwords", params(("address" = String, Path)), responses((status = 200, body = AppPasswords), Failure))]
pub(crate) async fn list(caller: Caller, Path(address): Path<String>) -> Result<Json<AppPasswords>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let found = caller.access.app_passwords(account.id).await?;
    let items = found.iter().map(|(password, last)| view(password, *last)).collect();
    Ok(Json(AppPasswords { items }))
}

/// Makes an app password. It is told once and kept as a hash only.
#[utoipa::path(post, path = "/api/members/{address}/app-passwords", params(("address" = String, Path)), request_body = Create, responses((status = 201, body = MadeAppPassword), Failure))]
pub(crate) async fn add(caller: Caller, Path(address): Path<String>, Body(new): Body<Create>) -> Result<Response> {
    let account = caller.member_or_me(Action::ChangeFactors, &address).await?;
    caller.check_proof()?;
    caller.check_protected(SmsScope::AppPasswords).await?;
    let mut protocols: std::collections::BTreeSet<_> = new.protocols.into_iter().collect();
    if protocols.is_empty() {
        let all = Protocol::CLIENTS.into_iter();
        protocols = all
            .filter(|protocol| !new.read_only || *protocol != Protocol::Submission)
            .collect();
    }
    let wanted = NewAppPassword {
        name: new.name,
        protocols,
        read_only: new.read_only,
        days: new.days,
    };
    let made = caller
        .access
        .add_app_password(&caller.directory, account.id, &wanted)
        .await?;
    let body = MadeAppPassword {
        kept: view(&made.kept, None),
        password: made.password.reveal().to_owned(),
    };
    let secret = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, secret, Json(body)).into_response())
}

/// Takes an app password back; sessions that it opened end.
#[utoipa::path(delete, path = "/api/members/{address}/app-passwords/{id}", params(("address" = String, Path), ("id" = u32, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    let id = id
        .parse()
        .map_err(|_| Problem::invalid(format!("{id}: an app password is named by its number")))?;
    caller
        .access
        .remove_app_password(&caller.directory, account.id, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
