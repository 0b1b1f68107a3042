//! /api/oauth-clients: mail clients that may ask members for tokens; /api/members/{address}/oauth-grants: those that a
//! member has let in. The tokens themselves are the business of /oauth.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_access::{NewOauthClient, OauthGrant, Party, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::problem::{Failure, Problem, Result};

/// A mail client that is registered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OauthClient {
    /// What it calls itself: its `client_id`.
    id: String,
    name: String,
    /// Where it may be sent back to.
    redirects: Vec<String>,
    /// What it may have at most, words with spaces between them.
    scope: String,
    created_millis: i64,
}

/// All there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OauthClients {
    items: Vec<OauthClient>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OauthClientChange)]
pub(crate) struct Set {
    /// What people call it, 1 to 64 characters.
    name: String,
    /// `https://..`, `http://127.0.0.1/..` (with any port), or a scheme of its own with a dot; none for a client that only
    /// uses the device grant.
    #[serde(default)]
    redirects: Vec<String>,
    /// `mail`, or some of `imap`, `pop3`, `submission`, `jmap`; with `read-only` or without. `openid`, `profile` and `email` let
    /// it hear who the member is.
    #[serde(default = "mail")]
    scope: String,
}

fn mail() -> String {
    "mail".to_owned()
}

/// A mail client that a member has let in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Grant {
    id: String,
    client: String,
    client_name: String,
    scope: String,
    created_millis: i64,
    /// To within some minutes.
    used_millis: i64,
    /// From where it was used last.
    peer: String,
    /// When it ends unless it is used.
    end_millis: i64,
}

/// All that a member has let in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Grants {
    items: Vec<Grant>,
}

fn view(client: hongyan_access::OauthClient) -> OauthClient {
    OauthClient {
        id: client.id,
        name: client.name,
        redirects: client.redirects,
        scope: client.scope.to_string(),
        created_millis: client.created.millis,
    }
}

/// The mail clients that are registered.
#[utoipa::path(get, path = "/api/oauth-clients", responses((status = 200, body = OauthClients), Failure))]
pub(crate) async fn clients(caller: Caller) -> Result<Json<OauthClients>> {
    caller.permit_operator(Action::ManageOauthClients)?;
    let found = caller.access.oauth_clients().await?;
    Ok(Json(OauthClients {
        items: found.into_iter().map(view).collect(),
    }))
}

/// Registers a mail client, or changes one. Clients are public and prove themselves with PKCE.
#[utoipa::path(put, path = "/api/oauth-clients/{id}", params(("id" = String, Path)), request_body = Set, responses((status = 200, body = OauthClient), Failure))]
pub(crate) async fn set_client(
    caller: Caller,
    Path(id): Path<String>,
    Body(set): Body<Set>,
) -> Result<Json<OauthClient>> {
    caller.permit_operator(Action::ManageOauthClients)?;
    let words = Scope::WORDS.join(", ");
    let scope = Scope::read(&set.scope);
    let new = NewOauthClient {
        id,
        name: set.name,
        redirects: set.redirects,
        scope: scope.ok_or_else(|| Problem::invalid(format!("a scope is made of {words}, and opens something")))?,
        party: Party::default(),
    };
    let client = caller.access.set_oauth_client(&caller.directory, &new).await?;
    Ok(Json(view(client)))
}

/// Removes a mail client: it gets no tokens any more. What members have granted to it they take back themselves.
#[utoipa::path(delete, path = "/api/oauth-clients/{id}", params(("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove_client(caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    caller.permit_operator(Action::ManageOauthClients)?;
    caller.access.remove_oauth_client(&caller.directory, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The mail clients that a member has let in, the one used last at the end. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/oauth-grants", params(("address" = String, Path)), responses((status = 200, body = Grants), Failure))]
pub(crate) async fn grants(caller: Caller, Path(address): Path<String>) -> Result<Json<Grants>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let found = caller.access.oauth_grants(account.id).await?;
    let view = |grant: OauthGrant| Grant {
        id: format!("{:016x}", grant.id),
        client: grant.client,
        client_name: grant.client_name,
        scope: grant.scope.to_string(),
        created_millis: grant.created.millis,
        used_millis: grant.used.millis,
        peer: grant.peer,
        end_millis: grant.end.millis,
    };
    Ok(Json(Grants {
        items: found.into_iter().map(view).collect(),
    }))
}

/// Takes back what a member has granted to a mail client: its tokens and sessions end.
#[utoipa::path(delete, path = "/api/members/{address}/oauth-grants/{id}", params(("address" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn end_grant(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    let number = u64::from_str_radix(&id, 16).map_err(|_| Problem::not_found(format!("{id}: no such grant")))?;
    caller.access.end_grant(&caller.directory, &account, number).await?;
    Ok(StatusCode::NO_CONTENT)
}
