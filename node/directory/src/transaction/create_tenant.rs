//! Makes a tenant.

use hongyan_audit::{Chain, Event};
use hongyan_types::{TenantId, Timestamp};

use super::{check_name, read_tenant, take_id, trial_domain, write_tenant};
use crate::record::page;
use crate::{
    Change, DirectoryOptions, Error, NewTenant, OrganisationPage, Result, TenantCounts, TenantRecord, TenantState,
    Welcome, key,
};

pub(crate) async fn run(
    transaction: &mut Change,
    new: &NewTenant,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<TenantRecord> {
    let name = new.name.trim();
    if name.is_empty() {
        return Err(Error::Invalid("a tenant needs a name".to_owned()));
    }
    check_name(name, 64)?;
    let name_key = key::tenant_name(name);
    if transaction.get(&name_key).await?.is_some() {
        return Err(Error::exists("organisation", name));
    }
    let id = TenantId(take_id(transaction, "tenant").await?);
    let tenant = TenantRecord {
        id,
        name: name.to_owned(),
        state: TenantState::Active,
        created: now,
        postmaster: None,
        accounts_max: new.accounts_max,
        aliases_per_account_max: new.aliases_per_account_max,
        account_settings: new.account_settings,
        counts: TenantCounts::default(),
        language: new.language,
        creator: None,
        default_domain: None,
        restricted: crate::Restrictions::default(),
        service_until: None,
        ended: None,
        verified_until: None,
        mx_elsewhere: crate::MxElsewhere::Off,
    };
    transaction.set(name_key, id.0.to_le_bytes().to_vec());
    write_tenant(transaction, &tenant);
    if new.welcome != Welcome::None {
        let page = OrganisationPage {
            welcome: new.welcome.clone(),
            ..OrganisationPage::default()
        };
        transaction.set(key::page(id), page::encode(&page));
    }
    let event = Event::new("organisation.create", &tenant.name).id(id.0);
    transaction.record(Chain::Installation, event.clone());
    transaction.record(Chain::Tenant(id), event);
    match trial_domain::name(options, id) {
        Some(name) if new.trial_domain => {
            trial_domain::give(transaction, id, &name, now).await?;
            read_tenant(transaction, id).await
        }
        _ => Ok(tenant),
    }
}
