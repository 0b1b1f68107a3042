//! Gives a domain to a tenant.

use hongyan_audit::{Chain, Event};
use hongyan_types::{Domain, TenantId, Timestamp};

use super::{check_limit, read_tenant, write_counts, write_domain};
use crate::{Change, DirectoryOptions, DomainRecord, Error, Result, key};

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    name: &Domain,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<DomainRecord> {
    if name.is_literal() {
        return Err(Error::Invalid("an address literal cannot be a mail domain".to_owned()));
    }
    let mut owner = read_tenant(transaction, tenant).await?;
    let key = key::domain(name);
    if transaction.get(&key).await?.is_some() {
        return Err(Error::exists("domain", name));
    }
    check_limit(
        "domains_per_tenant_max",
        options.domains_per_tenant_max,
        owner.counts.domains,
    )?;
    let record = DomainRecord {
        domain: name.clone(),
        tenant,
        created: now,
        catch_all: None,
    };
    write_domain(transaction, &record);
    transaction.set(key::tenant_domains(tenant).string(name.as_str()).pack(), Vec::new());
    owner.counts.domains += 1;
    write_counts(transaction, &owner);
    transaction.record(Chain::Tenant(tenant), Event::new("domain.create", name));
    Ok(record)
}
