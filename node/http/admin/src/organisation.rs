//! /api/organisations

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{
    AccountSettings, Field, Language, MxElsewhere, NewTenant, Restrictions, TenantChange, TenantRecord, TenantState,
    Welcome,
};
use hongyan_types::{TenantId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::page::{Page, PageQuery};
use crate::problem::{Failure, Problem, Result};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// One customer organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Organisation {
    /// Unique, and never changes.
    id: u64,
    name: String,
    state: &'static str,
    accounts: u64,
    accounts_max: Option<u64>,
    aliases_per_account_max: Option<u32>,
    domains: u64,
    groups: u64,
    departments: u64,
    tags: u64,
    /// The address of its creator.
    creator: Option<String>,
    postmaster: Option<String>,
    account_settings: AccountSettings,
    /// Null is English.
    language: Option<Language>,
    /// Where new addresses are made when no domain is said; null is the only one.
    default_domain: Option<String>,
    /// Whether the operator has found that it is real; the only organisation of a server counts as that.
    verified: bool,
    verified_until_millis: Option<i64>,
    /// When its service ends; null never.
    service_until_millis: Option<i64>,
    /// When it has ended.
    ended_millis: Option<i64>,
    /// What follows when mail for all of its domains goes elsewhere.
    mx_elsewhere: MxElsewhere,
    /// For how long it has, as far as DNS was looked at; null while mail comes here, or where nothing follows.
    mx_elsewhere_millis: Option<i64>,
    /// What the operator has stopped.
    stopped: Restrictions,
    created_millis: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrganisation)]
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
    /// What new members find in their mailbox; the standard letter when nothing is said.
    welcome: Option<Welcome>,
    /// Whether it gets a domain to try below `[directory] trial_parent`, where that is set; it does when nothing is said.
    trial_domain: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WantedState {
    Active,
    Suspended,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganisationChange)]
pub(crate) struct Change {
    state: Option<WantedState>,
    /// An address of the tenant; null for none.
    #[serde(default, deserialize_with = "present_field")]
    postmaster: Option<Option<String>>,
    #[serde(default, deserialize_with = "present_field")]
    accounts_max: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present_field")]
    aliases_per_account_max: Option<Option<u32>>,
    account_settings: Option<AccountSettings>,
    #[serde(default, deserialize_with = "present_field")]
    language: Option<Option<Language>>,
    /// Where new addresses are made when no domain is said; null for the only one.
    #[serde(default, deserialize_with = "present_field")]
    default_domain: Option<Option<String>>,
    /// When its service ends: administrators are told before, then it is suspended; null never.
    #[serde(default, deserialize_with = "present_field")]
    service_until_millis: Option<Option<i64>>,
    /// The same, in days from now.
    service_days: Option<u32>,
    /// What follows when mail for all of its domains goes elsewhere: nothing, a suspension, or its removal later.
    mx_elsewhere: Option<MxElsewhere>,
}

/// Tells null, which sets to nothing, from absence, which leaves alone.
pub(crate) fn present_field<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    from: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn view(caller: &Caller, tenant: TenantRecord) -> Result<Organisation> {
    let address = async |id: Option<_>| {
        let account = match id {
            Some(id) => caller.directory.account(id).await?,
            None => None,
        };
        Ok::<_, Problem>(account.map(|account| account.address.to_string()))
    };
    Ok(Organisation {
        verified: caller.directory.is_verified(&tenant).await?,
        verified_until_millis: tenant.verified_until.map(|at| at.millis),
        service_until_millis: tenant.service_until.map(|at| at.millis),
        ended_millis: tenant.ended.map(|at| at.millis),
        mx_elsewhere: tenant.mx_elsewhere,
        mx_elsewhere_millis: match tenant.mx_elsewhere {
            MxElsewhere::Off => None,
            _ => caller.directory.mx_elsewhere_millis(tenant.id).await?,
        },
        stopped: tenant.restricted,
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
        departments: tenant.counts.departments,
        tags: tenant.counts.tags,
        creator: address(tenant.creator).await?,
        postmaster: address(tenant.postmaster).await?,
        account_settings: tenant.account_settings,
        language: tenant.language,
        default_domain: tenant.default_domain.as_ref().map(ToString::to_string),
        created_millis: tenant.created.millis,
    })
}

/// The organisation of that name, to do `action` to it.
async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

async fn present(caller: &Caller, id: TenantId) -> Result<Organisation> {
    let tenant = caller.directory.tenant(id).await?;
    view(caller, TenantRecord::clone(&tenant)).await
}

/// All organisations, for operators; an administrator's own.
#[utoipa::path(get, path = "/api/organisations", params(PageQuery), responses((status = 200, body = Page<Organisation>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<PageQuery>) -> Result<Json<Page<Organisation>>> {
    if caller.actor.tenant().is_some() {
        let (own, _) = caller
            .within(Action::ReadOrganisation, query.organisation.as_deref())
            .await?;
        let own = present(&caller, own).await?;
        return Ok(Json(Page::new(vec![own], usize::MAX, |own| own.id.to_string())));
    }
    caller.permit_operator(Action::ManageOrganisations)?;
    let after = query.after()?.map(TenantId);
    let mut tenants = Vec::new();
    for tenant in caller.directory.tenants(after, query.limit()).await? {
        tenants.push(view(&caller, tenant).await?);
    }
    Ok(Json(Page::new(tenants, query.limit(), |tenant| tenant.id.to_string())))
}

/// Makes an organisation.
#[utoipa::path(post, path = "/api/organisations", request_body = Create, responses((status = 201, body = Organisation), Failure))]
pub(crate) async fn create(caller: Caller, Body(new): Body<Create>) -> Result<Tagged<Organisation>> {
    caller.permit_operator(Action::ManageOrganisations)?;
    let new = NewTenant {
        name: new.name,
        accounts_max: new.accounts_max,
        aliases_per_account_max: new.aliases_per_account_max,
        account_settings: new.account_settings,
        language: new.language,
        welcome: new.welcome.unwrap_or(Welcome::Standard),
        trial_domain: new.trial_domain.unwrap_or(true),
    };
    let tenant = caller.directory.create_tenant(&new).await?;
    Ok(Tagged::created(tenant.etag(), view(&caller, tenant).await?))
}

/// An organisation.
#[utoipa::path(get, path = "/api/organisations/{name}", params(("name" = String, Path)), responses((status = 200, body = Organisation), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<Organisation>> {
    let id = named(&caller, Action::ReadOrganisation, &name).await?;
    let tenant = caller.directory.tenant_named(&name).await?;
    debug_assert_eq!(tenant.id, id);
    Ok(Tagged::new(tenant.etag(), view(&caller, tenant).await?))
}

/// Changes an organisation. State and limits are the operator's.
#[utoipa::path(patch, path = "/api/organisations/{name}", params(("name" = String, Path)), request_body = Change, responses((status = 200, body = Organisation), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<Organisation>> {
    let id = named(&caller, Action::ChangeOrganisation, &name).await?;
    let service_until = match change.service_days {
        Some(days) => Some(Some(caller.access.now().millis + i64::from(days) * DAY_MILLIS)),
        None => change.service_until_millis,
    };
    let by_operator = change.state.is_some() || service_until.is_some() || change.mx_elsewhere.is_some();
    if by_operator || change.accounts_max.is_some() || change.aliases_per_account_max.is_some() {
        caller.permit(Action::ManageOrganisations, &Object::organisation(id))?;
    }
    let postmaster = match change.postmaster {
        None => Field::Keep,
        Some(None) => Field::Set(None),
        Some(Some(address)) => Field::Set(Some(caller.member(Action::ReadMembers, &address).await?.id)),
    };
    let default_domain = match change.default_domain {
        None => Field::Keep,
        Some(None) => Field::Set(None),
        Some(Some(name)) => Field::Set(Some(crate::domain::parse(&name)?)),
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
        default_domain,
        mx_elsewhere: Field::from(change.mx_elsewhere),
        service_until: Field::from(service_until.map(|until| until.map(|millis| Timestamp { millis }))),
        expect,
    };
    let outcome = caller.directory.change_tenant(id, &change).await;
    let tenant = with_present(outcome, async { present(&caller, id).await }).await?;
    caller.access.tenant_changed(id).await?;
    Ok(Tagged::new(tenant.etag(), view(&caller, tenant).await?))
}

/// Removes an organisation that owns nothing any more.
#[utoipa::path(delete, path = "/api/organisations/{name}", params(("name" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn delete(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let id = named(&caller, Action::ManageOrganisations, &name).await?;
    caller.directory.delete_tenant(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
