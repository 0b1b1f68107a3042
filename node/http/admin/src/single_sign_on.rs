//! /api/organisations/{name}/single-sign-on: the OpenID Connect provider where members sign in; and their identities there.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object};
use hongyan_openid::{LinkedIdentity, OpenId, OpenIdError, ProviderChange, ProviderSettings};
use hongyan_sasl::Secret;
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::problem::{Failure, Problem, Result};

/// Where members sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SingleSignOn {
    /// Who the provider is, in its own words.
    issuer: String,
    /// What it calls us.
    client_id: String,
    /// Whether we have a secret of it.
    has_client_secret: bool,
    /// What members read.
    label: String,
    link_by_mail: bool,
    create_members: bool,
    vouches_second_factor: bool,
    /// To be registered at the provider: where it sends browsers back to.
    redirect_uri: String,
    /// Likewise: where it tells of sessions that are over.
    backchannel_logout_uri: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    /// An URL of https; `/.well-known/openid-configuration` is asked below it.
    issuer: String,
    client_id: String,
    /// Without it the one that is there stays, as long as the issuer does; null is none.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    client_secret: Option<Option<String>>,
    /// What members read: 1 to 64 characters.
    label: String,
    /// Whether an account is linked with whoever comes with its address, which the provider has verified.
    #[serde(default)]
    link_by_mail: bool,
    /// Whether whoever comes with a verified address in one of the organisation's domains gets an account.
    #[serde(default)]
    create_members: bool,
    /// Whether the provider asks for a second factor itself, so that ours is not asked.
    #[serde(default)]
    vouches_second_factor: bool,
}

/// Tells null from nothing.
fn said<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// What was found at the provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    authorization_endpoint: String,
    /// Whether it ends its own session at our wish.
    ends_sessions: bool,
}

/// An identity that signs in to a member's account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutsideIdentity {
    id: String,
    issuer: String,
    subject: String,
    mail: String,
    created_millis: i64,
}

/// The identities of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutsideIdentities {
    items: Vec<OutsideIdentity>,
}

fn sso(caller: &Caller) -> Result<&OpenId> {
    caller
        .single_sign_on
        .as_ref()
        .ok_or_else(|| Problem::not_found("there is no single sign-on here"))
}

fn view(sso: &OpenId, tenant: TenantId, settings: ProviderSettings) -> SingleSignOn {
    SingleSignOn {
        issuer: settings.issuer,
        client_id: settings.client_id,
        has_client_secret: settings.client_secret.is_some(),
        label: settings.label,
        link_by_mail: settings.link_by_mail,
        create_members: settings.create_members,
        vouches_second_factor: settings.vouches_second_factor,
        redirect_uri: sso.redirect_address(),
        backchannel_logout_uri: sso.logout_address(tenant),
    }
}

pub(crate) async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

/// Where an organisation's members sign in.
#[utoipa::path(get, path = "/api/organisations/{name}/single-sign-on", params(("name" = String, Path)), responses((status = 200, body = SingleSignOn), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<SingleSignOn>> {
    let tenant = named(&caller, Action::ReadSignInPolicy, &name).await?;
    present(sso(&caller)?, tenant).await
}

async fn present(sso: &OpenId, tenant: TenantId) -> Result<Tagged<SingleSignOn>> {
    // The tag first: whoever changes what is newer than it is told.
    let etag = sso.provider_etag(tenant).await?;
    let settings = sso.provider(tenant).await?.ok_or(OpenIdError::NoProvider)?;
    Ok(Tagged::new(etag, view(sso, tenant, settings)))
}

/// Sets where an organisation's members sign in. Passwords stay good. Needs a fresh proof.
#[utoipa::path(put, path = "/api/organisations/{name}/single-sign-on", params(("name" = String, Path)), request_body = Set, responses((status = 200, body = SingleSignOn), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(new): Body<Set>,
) -> Result<Tagged<SingleSignOn>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let sso = sso(&caller)?;
    let change = ProviderChange {
        expect,
        keep_secret: new.client_secret.is_none(),
        settings: ProviderSettings {
            issuer: new.issuer,
            client_id: new.client_id,
            client_secret: new.client_secret.flatten().map(Secret::new),
            label: new.label.trim().to_owned(),
            link_by_mail: new.link_by_mail,
            create_members: new.create_members,
            vouches_second_factor: new.vouches_second_factor,
        },
    };
    let set = sso.set_provider(&caller.directory, tenant, &change).await;
    with_present(set, async { Ok(present(sso, tenant).await?.body) }).await?;
    present(sso, tenant).await
}

/// Has members sign in here only. Links stay for the day the provider is set again. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/organisations/{name}/single-sign-on", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    sso(&caller)?.remove_provider(&caller.directory, tenant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks at the provider: its description and its keys. What is wrong with them is said by name.
#[utoipa::path(post, path = "/api/organisations/{name}/single-sign-on/check", params(("name" = String, Path)), responses((status = 200, body = Found), Failure))]
pub(crate) async fn check(caller: Caller, Path(name): Path<String>) -> Result<Json<Found>> {
    let tenant = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    let found = sso(&caller)?.check_provider(tenant).await?;
    Ok(Json(Found {
        authorization_endpoint: found.authorization_endpoint,
        ends_sessions: found.ends_sessions,
    }))
}

/// The identities at providers that sign in to a member's account. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/outside-identities", params(("address" = String, Path)), responses((status = 200, body = OutsideIdentities), Failure))]
pub(crate) async fn identities(caller: Caller, Path(address): Path<String>) -> Result<Json<OutsideIdentities>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let links = sso(&caller)?.links(account.id).await?;
    let view = |link: LinkedIdentity| OutsideIdentity {
        id: link.id,
        issuer: link.issuer,
        subject: link.subject,
        mail: link.mail,
        created_millis: link.created.millis,
    };
    Ok(Json(OutsideIdentities {
        items: links.into_iter().map(view).collect(),
    }))
}

/// Unlinks an identity. Running sessions stay. Needs a fresh proof.
#[utoipa::path(delete, path = "/api/members/{address}/outside-identities/{id}", params(("address" = String, Path), ("id" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn unlink(caller: Caller, Path((address, id)): Path<(String, String)>) -> Result<StatusCode> {
    let account = caller.member_or_me(Action::ResetFactors, &address).await?;
    caller.check_proof()?;
    sso(&caller)?.unlink(&caller.directory, &account, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
