//! /api/organisations/{name}/connected-applications: programs of an organisation's own that hear who its members are, by OpenID
//! Connect, and may be let at their mail (API-2, API-5). What mail clients of everybody are is the operator's: `/api/oauth-clients`.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object};
use hongyan_access::{NewOauthClient, OauthClient, Party, Scope};
use hongyan_directory::{Error, Etag};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};

/// A program that is connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectedApplication {
    /// What it calls itself: its `client_id`.
    id: String,
    name: String,
    /// Where browsers are sent back to with a code.
    redirects: Vec<String>,
    /// Where they may be sent to when their member has signed out.
    signed_out_redirects: Vec<String>,
    /// What it may have at most, words with spaces between them.
    scope: String,
    /// Whether it proves itself with a secret.
    has_secret: bool,
    created_millis: i64,
    /// The secret, the only time that it is shown: when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// All of an organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectedApplications {
    items: Vec<ConnectedApplication>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectedApplicationChange)]
pub(crate) struct Connect {
    /// What members read, 1 to 64 characters.
    name: String,
    /// `https://..`, `http://127.0.0.1/..` (with any port), or a scheme of its own with a dot.
    redirects: Vec<String>,
    #[serde(default)]
    signed_out_redirects: Vec<String>,
    /// `openid` with `profile` and `email`, and for mail some of `imap`, `pop3`, `submission`, `jmap`, with `read-only` or without.
    #[serde(default = "identity")]
    scope: String,
    /// Whether it proves itself with a secret: so do programs on servers. The others have PKCE alone.
    #[serde(default = "yes")]
    has_secret: bool,
}

fn identity() -> String {
    "openid profile email".to_owned()
}
fn yes() -> bool {
    true
}

fn view(client: OauthClient, secret: Option<String>) -> ConnectedApplication {
    ConnectedApplication {
        id: client.id,
        name: client.name,
        redirects: client.redirects,
        signed_out_redirects: client.party.signed_out,
        scope: client.scope.to_string(),
        has_secret: client.party.has_secret,
        created_millis: client.created.millis,
        client_secret: secret,
    }
}

fn etag(client: &OauthClient) -> Etag {
    let party = &client.party;
    let places = (&client.redirects, &party.signed_out);
    let text = format!(
        "{:?} {:?} {places:?} {} {}",
        client.id, client.name, client.scope, party.has_secret
    );
    Etag::of(text.as_bytes())
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

/// The clients that an organisation has connected.
pub(crate) async fn own(caller: &Caller, tenant: TenantId) -> Result<impl Iterator<Item = OauthClient>> {
    let all = caller.access.oauth_clients().await?.into_iter();
    Ok(all.filter(move |client| client.party.tenant == Some(tenant)))
}

/// The client of that name, if it is the organisation's: those of others look missing.
async fn find(caller: &Caller, tenant: TenantId, id: &str) -> Result<OauthClient> {
    let found = own(caller, tenant).await?.find(|client| client.id == id);
    found.ok_or_else(|| Problem::not_found(format!("{id}: no such application")))
}

/// The programs that an organisation has connected.
#[utoipa::path(get, path = "/api/organisations/{name}/connected-applications", params(("name" = String, Path)), responses((status = 200, body = ConnectedApplications), Failure))]
pub(crate) async fn list(caller: Caller, Path(name): Path<String>) -> Result<Json<ConnectedApplications>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    Ok(Json(ConnectedApplications {
        items: own(&caller, tenant).await?.map(|client| view(client, None)).collect(),
    }))
}

/// A program that an organisation has connected.
#[utoipa::path(get, path = "/api/organisations/{name}/connected-applications/{id}", params(("name" = String, Path), ("id" = String, Path)), responses((status = 200, body = ConnectedApplication), Failure))]
pub(crate) async fn show(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<Tagged<ConnectedApplication>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    let client = find(&caller, tenant, &id).await?;
    Ok(Tagged::new(etag(&client), view(client, None)))
}

/// Connects a program, or changes one; what members have granted to it stays. A secret that is made is shown this once. Needs a fresh
/// proof.
#[utoipa::path(put, path = "/api/organisations/{name}/connected-applications/{id}", params(("name" = String, Path), ("id" = String, Path)), request_body = Connect, responses((status = 200, body = ConnectedApplication), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    IfMatch(expect): IfMatch,
    Body(new): Body<Connect>,
) -> Result<Tagged<ConnectedApplication>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    if let Some(expect) = expect {
        let present = find(&caller, tenant, &id).await?;
        if etag(&present) != expect {
            let changed = Err::<(), _>(Error::Changed {
                what: "application",
                name: id.clone(),
            });
            with_present(changed, async { Ok(view(present, None)) }).await?;
        }
    }
    write(&caller, tenant, id, new, false).await
}

async fn write(
    caller: &Caller,
    tenant: TenantId,
    id: String,
    new: Connect,
    anew: bool,
) -> Result<Tagged<ConnectedApplication>> {
    let words = Scope::WORDS.join(", ");
    let scope = Scope::read(&new.scope);
    let new = NewOauthClient {
        id,
        name: new.name,
        redirects: new.redirects,
        scope: scope.ok_or_else(|| Problem::invalid(format!("scope: it is made of {words}, and opens something")))?,
        party: Party {
            tenant: Some(tenant),
            has_secret: new.has_secret,
            signed_out: new.signed_out_redirects,
        },
    };
    let (client, secret) = caller
        .access
        .set_oauth_application(&caller.directory, &new, anew)
        .await?;
    let secret = secret.map(|secret| secret.reveal().to_owned());
    Ok(Tagged::new(etag(&client), view(client, secret)))
}

/// Gives a program another secret; the one before is good no more. Needs a fresh proof.
#[utoipa::path(post, path = "/api/organisations/{name}/connected-applications/{id}/secret", params(("name" = String, Path), ("id" = String, Path)), responses((status = 200, body = ConnectedApplication), Failure))]
pub(crate) async fn renew(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<Tagged<ConnectedApplication>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let client = find(&caller, tenant, &id).await?;
    if !client.party.has_secret {
        return Err(Problem::invalid("has_secret: the application has none"));
    }
    let same = Connect {
        name: client.name,
        redirects: client.redirects,
        signed_out_redirects: client.party.signed_out,
        scope: client.scope.to_string(),
        has_secret: true,
    };
    write(&caller, tenant, id, same, true).await
}

/// Takes a program away: it hears nothing any more. What members have granted to it they take back themselves. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/organisations/{name}/connected-applications/{id}", params(("name" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path((name, id)): Path<(String, String)>) -> Result<StatusCode> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let client = find(&caller, tenant, &id).await?;
    caller.access.remove_oauth_client(&caller.directory, &client.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
