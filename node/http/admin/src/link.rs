//! /api/links: links to other systems that an organisation shows its members; /api/me/links: those that one sees oneself (API-6).

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_profile::{Link, Profiles, etag_of_links};
use hongyan_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::connected;
use crate::export::encoded;
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// All links of an organisation, in the order in which they are shown.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Links {
    items: Vec<Link>,
}

/// A link as a member sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnLink {
    /// What it is called, in English.
    name: String,
    /// The same in Chinese.
    name_zh_cn: String,
    url: String,
    icon: Option<String>,
    /// Whether it leads there by way of an application that signs the member in.
    signs_in: bool,
}

/// The links that a member sees.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnLinks {
    items: Vec<OwnLink>,
}

fn tagged(links: Vec<Link>) -> Tagged<Links> {
    Tagged::new(etag_of_links(&links), Links { items: links })
}

async fn read(caller: &Caller, tenant: TenantId) -> Result<Vec<Link>> {
    Ok(Profiles::new(&caller.directory).links(tenant).await?)
}

/// The names of the applications that an organisation has connected.
async fn applications(caller: &Caller, tenant: TenantId) -> Result<Vec<String>> {
    let own = connected::own(caller, tenant).await?;
    Ok(own.map(|client| client.id).collect())
}

/// The links to other systems of an organisation, for whoever administers it.
#[utoipa::path(get, path = "/api/links", params(Whose), responses((status = 200, body = Links), Failure))]
pub(crate) async fn show(caller: Caller, Asked(whose): Asked<Whose>) -> Result<Tagged<Links>> {
    let name = whose.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ReadOrganisation, name).await?;
    Ok(tagged(read(&caller, tenant).await?))
}

/// Sets all links of an organisation, in the order in which they are shown.
#[utoipa::path(put, path = "/api/links", params(Whose), request_body = Links, responses((status = 200, body = Links), Failure))]
pub(crate) async fn set(
    caller: Caller,
    Asked(whose): Asked<Whose>,
    IfMatch(expect): IfMatch,
    Body(wanted): Body<Links>,
) -> Result<Tagged<Links>> {
    let name = whose.organisation.as_deref();
    let (tenant, _) = caller.within(Action::ChangeOrganisation, name).await?;
    let named: Vec<&String> = wanted
        .items
        .iter()
        .filter_map(|link| link.application.as_ref())
        .collect();
    if !named.is_empty() {
        let known = applications(&caller, tenant).await?;
        if let Some(missing) = named.into_iter().find(|id| !known.contains(id)) {
            return Err(Problem::not_found(format!("{missing}: no such application")));
        }
    }
    let profiles = Profiles::new(&caller.directory);
    let outcome = profiles.set_links(tenant, &wanted.items, expect).await;
    let present = async {
        let items = read(&caller, tenant).await?;
        Ok(Links { items })
    };
    Ok(tagged(with_present(outcome, present).await?))
}

/// Where an application begins to sign somebody in, and is told where to go on (OpenID Connect Core 1.0 §4).
fn by_way_of(login_url: &str, (issuer, login, target): (&str, &str, &str)) -> String {
    let (place, fragment) = match login_url.split_once('#') {
        Some((place, fragment)) => (place, format!("#{fragment}")),
        None => (login_url, String::new()),
    };
    let join = if place.contains('?') { '&' } else { '?' };
    let (issuer, login, target) = (encoded(issuer), encoded(login), encoded(target));
    format!("{place}{join}iss={issuer}&login_hint={login}&target_link_uri={target}{fragment}")
}

/// The links to other systems that the caller sees.
#[utoipa::path(get, path = "/api/me/links", responses((status = 200, body = OwnLinks), Failure))]
pub(crate) async fn own(caller: Caller) -> Result<Json<OwnLinks>> {
    let me = caller.member_or_me(Action::ReadPreferences, "me").await?;
    let links = Profiles::new(&caller.directory).links_of(&me).await?;
    let known = match links.iter().any(|link| link.application.is_some()) {
        true => applications(&caller, me.tenant).await?,
        false => Vec::new(),
    };
    let (issuer, login) = (caller.web_origin(), me.address.to_string());
    let items = links.into_iter().map(|link| {
        // One that was taken away signs nobody in: the link leads on without it.
        let application = link.application.filter(|id| known.contains(id));
        let way = application.and(link.login_url).zip(issuer.as_deref());
        OwnLink {
            name_zh_cn: match link.name_zh_cn {
                name if name.is_empty() => link.name.clone(),
                name => name,
            },
            name: link.name,
            signs_in: way.is_some(),
            url: match way {
                Some((login_url, issuer)) => by_way_of(&login_url, (issuer, &login, &link.url)),
                None => link.url,
            },
            icon: link.icon,
        }
    });
    Ok(Json(OwnLinks { items: items.collect() }))
}
