//! Gives a domain to a tenant: the operator's word is enough.

use hongyan_audit::{Chain, Event};
use hongyan_types::{Domain, TenantId, Timestamp};

use super::{claim_domain, domain_name, read_tenant, write_counts, write_domain};
use crate::{Change, DirectoryOptions, DomainRecord, Error, Result, key};

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    name: &Domain,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<DomainRecord> {
    domain_name::check(name)?;
    if transaction.get(&key::domain(name)).await?.is_some() {
        return Err(Error::exists("domain", name));
    }
    claim_domain::check_room(transaction, tenant, name, options, now).await?;
    claim_domain::forget(transaction, name, tenant);
    let record = DomainRecord::new(name.clone(), tenant, now);
    put(transaction, &record).await?;
    transaction.record(Chain::Tenant(tenant), Event::new("domain.create", name));
    Ok(record)
}

/// Writes a domain that nobody has.
pub(super) async fn put(transaction: &mut Change, record: &DomainRecord) -> Result<()> {
    let mut owner = read_tenant(transaction, record.tenant).await?;
    write_domain(transaction, record);
    let name = record.domain.as_str();
    transaction.set(key::tenant_domains(record.tenant).string(name).pack(), Vec::new());
    owner.counts.domains += 1;
    write_counts(transaction, &owner);
    Ok(())
}
