//! /api/domains

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hongyan_directory::DomainRecord;
use hongyan_types::Domain;
use serde::{Deserialize, Serialize};

use crate::body::{Asked, Body};
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, Result};
use crate::{AdminState, account, tenant};

#[derive(Debug, Serialize)]
pub(crate) struct DomainView {
    domain: String,
    /// As people write it.
    name: String,
    tenant: String,
    catch_all: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    domain: String,
    tenant: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// An address of the tenant; null for none.
    catch_all: Option<String>,
}

pub(crate) fn parse(text: &str) -> Result<Domain> {
    Domain::try_from(text).map_err(|error| Problem::invalid(format!("{text}: {error}")))
}

async fn view(state: &AdminState, record: &DomainRecord) -> Result<DomainView> {
    let catch_all = match record.catch_all {
        Some(id) => state.directory.account(id).await?,
        None => None,
    };
    Ok(DomainView {
        domain: record.domain.to_string(),
        name: record.domain.to_unicode(),
        tenant: state.directory.tenant(record.tenant).await?.name.clone(),
        catch_all: catch_all.map(|account| account.address.to_string()),
    })
}

pub(crate) async fn list(
    State(state): State<AdminState>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<DomainView>>> {
    let owner = tenant::of(&state, query.tenant.as_deref()).await?;
    let after = query.after.as_deref().map(parse).transpose()?;
    let mut domains = Vec::new();
    for record in state.directory.domains(owner, after, query.limit()).await? {
        domains.push(view(&state, &record).await?);
    }
    Ok(Json(Page::new(domains, query.limit(), |domain| domain.domain.clone())))
}

pub(crate) async fn create(
    State(state): State<AdminState>,
    Body(new): Body<Create>,
) -> Result<(StatusCode, Json<DomainView>)> {
    let owner = tenant::of(&state, new.tenant.as_deref()).await?;
    let record = state.directory.create_domain(owner, &parse(&new.domain)?).await?;
    Ok((StatusCode::CREATED, Json(view(&state, &record).await?)))
}

pub(crate) async fn show(State(state): State<AdminState>, Path(name): Path<String>) -> Result<Json<DomainView>> {
    let record = state.directory.domain(&parse(&name)?).await?;
    Ok(Json(view(&state, &record).await?))
}

pub(crate) async fn change(
    State(state): State<AdminState>,
    Path(name): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<DomainView>> {
    let catch_all = match change.catch_all {
        Some(address) => Some(account::at(&state, &address).await?.id),
        None => None,
    };
    let record = state.directory.set_catch_all(&parse(&name)?, catch_all).await?;
    Ok(Json(view(&state, &record).await?))
}

pub(crate) async fn delete(State(state): State<AdminState>, Path(name): Path<String>) -> Result<StatusCode> {
    state.directory.delete_domain(&parse(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
