//! /api/tenants

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hongyan_directory::{AccountSettings, Field, Language, NewTenant, TenantChange, TenantRecord, TenantState};
use hongyan_types::TenantId;
use serde::{Deserialize, Deserializer, Serialize};

use crate::AdminState;
use crate::body::{Asked, Body};
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, Result};

#[derive(Debug, Serialize)]
pub(crate) struct Tenant {
    id: u64,
    name: String,
    state: &'static str,
    accounts: u64,
    accounts_max: Option<u64>,
    aliases_per_account_max: Option<u32>,
    domains: u64,
    groups: u64,
    postmaster: Option<String>,
    account_settings: AccountSettings,
    /// Null is English.
    language: Option<Language>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    accounts_max: Option<u64>,
    #[serde(default)]
    aliases_per_account_max: Option<u32>,
    #[serde(default)]
    account_settings: AccountSettings,
    #[serde(default)]
    language: Option<Language>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WantedState {
    Active,
    Suspended,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    state: Option<WantedState>,
    /// An address of the tenant; null for none.
    #[serde(default, deserialize_with = "present")]
    postmaster: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    accounts_max: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    aliases_per_account_max: Option<Option<u32>>,
    account_settings: Option<AccountSettings>,
    #[serde(default, deserialize_with = "present")]
    language: Option<Option<Language>>,
}

/// Tells null, which sets to nothing, from absence, which leaves alone.
pub(crate) fn present<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    from: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn view(state: &AdminState, tenant: TenantRecord) -> Result<Tenant> {
    let postmaster = match tenant.postmaster {
        Some(id) => state.directory.account(id).await?,
        None => None,
    };
    Ok(Tenant {
        id: tenant.id.0,
        name: tenant.name,
        state: match tenant.state {
            TenantState::Active => "active",
            TenantState::Suspended => "suspended",
        },
        accounts: tenant.counts.accounts,
        accounts_max: tenant.accounts_max,
        aliases_per_account_max: tenant.aliases_per_account_max,
        domains: tenant.counts.domains,
        groups: tenant.counts.groups,
        postmaster: postmaster.map(|account| account.address.to_string()),
        account_settings: tenant.account_settings,
        language: tenant.language,
    })
}

/// The tenant a request is about: the one named, or the only one.
pub(crate) async fn of(state: &AdminState, name: Option<&str>) -> Result<TenantId> {
    if let Some(name) = name {
        return Ok(state.directory.tenant_named(name).await?.id);
    }
    let tenants = state.directory.tenants(None, 2).await?;
    match tenants.as_slice() {
        [only] => Ok(only.id),
        [] => Err(Problem::not_found("there is no tenant yet")),
        _ => Err(Problem::invalid("there are several tenants: say which")),
    }
}

pub(crate) async fn list(
    State(state): State<AdminState>,
    Asked(query): Asked<PageQuery>,
) -> Result<Json<Page<Tenant>>> {
    let after = match &query.after {
        Some(after) => Some(TenantId(
            after.parse().map_err(|_| Problem::invalid("after is not a number"))?,
        )),
        None => None,
    };
    let mut tenants = Vec::new();
    for tenant in state.directory.tenants(after, query.limit()).await? {
        tenants.push(view(&state, tenant).await?);
    }
    Ok(Json(Page::new(tenants, query.limit(), |tenant| tenant.id.to_string())))
}

pub(crate) async fn create(
    State(state): State<AdminState>,
    Body(new): Body<Create>,
) -> Result<(StatusCode, Json<Tenant>)> {
    let new = NewTenant {
        name: new.name,
        accounts_max: new.accounts_max,
        aliases_per_account_max: new.aliases_per_account_max,
        account_settings: new.account_settings,
        language: new.language,
    };
    let tenant = state.directory.create_tenant(&new).await?;
    Ok((StatusCode::CREATED, Json(view(&state, tenant).await?)))
}

pub(crate) async fn show(State(state): State<AdminState>, Path(name): Path<String>) -> Result<Json<Tenant>> {
    let tenant = state.directory.tenant_named(&name).await?;
    Ok(Json(view(&state, tenant).await?))
}

pub(crate) async fn change(
    State(state): State<AdminState>,
    Path(name): Path<String>,
    Body(change): Body<Change>,
) -> Result<Json<Tenant>> {
    let id = state.directory.tenant_named(&name).await?.id;
    let postmaster = match change.postmaster {
        None => Field::Keep,
        Some(None) => Field::Set(None),
        Some(Some(address)) => Field::Set(Some(crate::account::at(&state, &address).await?.id)),
    };
    let change = TenantChange {
        state: Field::from(change.state.map(|state| match state {
            WantedState::Active => TenantState::Active,
            WantedState::Suspended => TenantState::Suspended,
        })),
        postmaster,
        accounts_max: change.accounts_max.into(),
        aliases_per_account_max: change.aliases_per_account_max.into(),
        account_settings: change.account_settings.into(),
        language: change.language.into(),
    };
    let tenant = state.directory.change_tenant(id, &change).await?;
    state.access.tenant_changed(id).await?;
    Ok(Json(view(&state, tenant).await?))
}

pub(crate) async fn delete(State(state): State<AdminState>, Path(name): Path<String>) -> Result<StatusCode> {
    let id = state.directory.tenant_named(&name).await?.id;
    state.directory.delete_tenant(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
