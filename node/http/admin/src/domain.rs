//! /api/domains

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object, Refusal, permit};
use hongyan_directory::{DomainRecord, Error};
use hongyan_types::Domain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

/// A mail domain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainView {
    domain: String,
    /// As people write it.
    name: String,
    /// Whose it is.
    organisation: String,
    catch_all: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDomain)]
pub(crate) struct Create {
    domain: String,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DomainChange)]
pub(crate) struct Change {
    /// An address of the tenant; null for none.
    catch_all: Option<String>,
}

pub(crate) fn parse(text: &str) -> Result<Domain> {
    Domain::try_from(text).map_err(|error| Problem::invalid(format!("{text}: {error}")))
}

async fn view(caller: &Caller, record: &DomainRecord) -> Result<DomainView> {
    let catch_all = match record.catch_all {
        Some(id) => caller.directory.account(id).await?,
        None => None,
    };
    Ok(DomainView {
        domain: record.domain.to_string(),
        name: record.domain.to_unicode(),
        organisation: caller.directory.tenant(record.tenant).await?.name.clone(),
        catch_all: catch_all.map(|account| account.address.to_string()),
    })
}

/// The domain of that name, to do `action` to it. One of another organisation is not there.
pub(crate) async fn named(caller: &Caller, action: Action, name: &str) -> Result<DomainRecord> {
    let name = parse(name)?;
    let record = caller.directory.domain(&name).await?;
    match permit(&caller.actor, action, &Object::organisation(record.tenant)) {
        Err(Refusal::Hidden) => Err(Error::NotFound {
            what: "domain",
            name: name.to_string(),
        }
        .into()),
        permitted => {
            permitted?;
            Ok(DomainRecord::clone(&record))
        }
    }
}

/// The domains of an organisation.
#[utoipa::path(get, path = "/api/domains", params(PageQuery), responses((status = 200, body = Page<DomainView>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<DomainView>>> {
    let (owner, _) = caller
        .within(Action::ReadDomains, query.organisation.as_deref())
        .await?;
    let after = query.after.as_deref().map(parse).transpose()?;
    let mut domains = Vec::new();
    for record in caller.directory.domains(owner, after, query.limit()).await? {
        domains.push(view(&caller, &record).await?);
    }
    Ok(Json(Page::new(domains, query.limit(), |domain| domain.domain.clone())))
}

/// Gives a domain to an organisation.
#[utoipa::path(post, path = "/api/domains", request_body = Create, responses((status = 201, body = DomainView), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<(StatusCode, Json<DomainView>)> {
    let (owner, _) = caller
        .within(Action::ChangeDomains, new.organisation.as_deref())
        .await?;
    let record = caller.directory.create_domain(owner, &parse(&new.domain)?).await?;
    Ok((StatusCode::CREATED, Json(view(&caller, &record).await?)))
}

/// A domain.
#[utoipa::path(get, path = "/api/domains/{domain}", params(("domain" = String, Path)), responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Json<DomainView>> {
    let record = named(&caller, Action::ReadDomains, &name).await?;
    Ok(Json(view(&caller, &record).await?))
}

/// Says who gets mail for addresses that nobody has.
#[utoipa::path(patch, path = "/api/domains/{domain}", params(("domain" = String, Path)), request_body = Change, responses((status = 200, body = DomainView), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(name): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<DomainView>> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    let catch_all = match change.catch_all {
        Some(address) => Some(caller.member(Action::ReadMembers, &address).await?.id),
        None => None,
    };
    let record = caller.directory.set_catch_all(&record.domain, catch_all).await?;
    Ok(Json(view(&caller, &record).await?))
}

/// Removes a domain that has no addresses any more.
#[utoipa::path(delete, path = "/api/domains/{domain}", params(("domain" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    caller.directory.delete_domain(&record.domain).await?;
    Ok(StatusCode::NO_CONTENT)
}
