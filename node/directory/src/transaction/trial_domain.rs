//! Domains of the operator's, lent to tenants that have none of their own yet (DOM-1).

use hongyan_audit::{Chain, Event};
use hongyan_kv::Transaction;
use hongyan_types::{Domain, TenantId, Timestamp};

use super::create_domain;
use crate::record::domain;
use crate::{Change, DirectoryOptions, DomainRecord, Error, Result, key};

/// The one that is a tenant's, where the installation lends such.
pub(crate) fn name(options: &DirectoryOptions, tenant: TenantId) -> Option<Domain> {
    let parent = options.trial_parent.as_ref()?;
    Domain::try_from(format!("t{}.{parent}", tenant.0).as_str()).ok()
}

/// Lends it.
pub(crate) async fn give(transaction: &mut Change, tenant: TenantId, name: &Domain, now: Timestamp) -> Result<()> {
    if transaction.get(&key::domain(name)).await?.is_some() {
        return Err(Error::exists("domain", name));
    }
    let record = DomainRecord {
        trial: true,
        ..DomainRecord::new(name.clone(), tenant, now)
    };
    create_domain::put(transaction, &record).await?;
    let event = Event::new("domain.create", name).with("reason", "to try");
    transaction.record(Chain::Tenant(tenant), event);
    Ok(())
}

/// How many a tenant has: they do not count where its domains do.
pub(crate) async fn count(transaction: &mut Transaction, options: &DirectoryOptions, tenant: TenantId) -> Result<u64> {
    let Some(name) = name(options, tenant) else {
        return Ok(0);
    };
    let Some(stored) = transaction.get(&key::domain(&name)).await? else {
        return Ok(0);
    };
    let record = domain::decode(name, &stored)?;
    Ok(u64::from(record.tenant == tenant && record.trial))
}
