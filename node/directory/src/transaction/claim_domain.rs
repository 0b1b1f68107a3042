//! A domain that a tenant says is its own: claimed, proven, taken over from whoever had it, or given up (DOM-3, DOM-4).

use std::time::Duration;

use hongyan_audit::{Chain, Event};
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_notice::{Notice, Recipient};
use hongyan_types::{Domain, TenantId, Timestamp};

use super::{Page, create_domain, domain_name, list, plan, read_domain, remove_domain, trial_domain, write_domain};
use crate::record::feed::Subject;
use crate::record::{claim, domain};
use crate::{Change, ClaimRecord, DirectoryOptions, DomainRecord, Error, Limit, Proved, ProvenBy, Result, key};

pub(crate) fn after(now: Timestamp, span: Duration) -> Timestamp {
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    Timestamp {
        millis: now.millis.saturating_add(span),
    }
}

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    name: &Domain,
    token: &str,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<ClaimRecord> {
    domain_name::check_claimed(name, options)?;
    if let Some(stored) = transaction.get(&key::domain(name)).await?
        && domain::decode(name.clone(), &stored)?.tenant == tenant
    {
        return Err(Error::exists("domain", name));
    }
    if find(transaction, name, tenant).await?.is_some() {
        return Err(Error::exists("domain", name));
    }
    check_room(transaction, tenant, name, options, now).await?;
    let claim = ClaimRecord {
        domain: name.clone(),
        tenant,
        created: now,
        token: token.to_owned(),
        expires: after(now, options.domain_claim),
        takes_over: None,
    };
    write(transaction, &claim);
    transaction.record(Chain::Tenant(tenant), Event::new("domain.claim", name));
    Ok(claim)
}

/// Refuses one domain more than a tenant may have; what it has not proved yet counts, but for `name` itself.
pub(super) async fn check_room(
    transaction: &mut Change,
    tenant: TenantId,
    name: &Domain,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    let bounds = plan::bounds(transaction, tenant, now).await?;
    let claims = key::tenant_claims(tenant);
    let claimed = transaction.get_range_all(RangeQuery::all(claims.range())).await?;
    let lent = trial_domain::count(transaction, options, tenant).await?;
    let mut used = bounds.owner.counts.domains.saturating_sub(lent);
    for pair in &claimed {
        used += u64::from(list::domain_of_key(&claims, &pair.key)? != *name);
    }
    bounds.of(Limit::DomainsPerTenantMax, options).check(used)
}

fn write(transaction: &mut Change, claim: &ClaimRecord) {
    let (name, tenant) = (&claim.domain, claim.tenant);
    transaction.set(key::claim(name, tenant), claim::encode(claim));
    transaction.set(key::tenant_claims(tenant).string(name.as_str()).pack(), Vec::new());
    transaction.tell(tenant, Subject::Domain(name.clone()));
}

/// Removes a claim, if there is one.
pub(super) fn forget(transaction: &mut Change, name: &Domain, tenant: TenantId) {
    transaction.clear(&key::claim(name, tenant));
    transaction.clear(&key::tenant_claims(tenant).string(name.as_str()).pack());
}

pub(crate) async fn find(
    transaction: &mut Transaction,
    name: &Domain,
    tenant: TenantId,
) -> Result<Option<ClaimRecord>> {
    let stored = transaction.get(&key::claim(name, tenant)).await?;
    Ok(stored
        .map(|stored| claim::decode(name.clone(), tenant, &stored))
        .transpose()?)
}

async fn need(transaction: &mut Transaction, name: &Domain, tenant: TenantId) -> Result<ClaimRecord> {
    let found = find(transaction, name, tenant).await?;
    found.ok_or_else(|| Error::not_found("domain", name))
}

/// It is theirs: at once when nobody has it; else whoever has it has until `lost` to object, and is told.
pub(crate) async fn prove(
    transaction: &mut Change,
    tenant: TenantId,
    name: &Domain,
    by: ProvenBy,
    told: &Notice,
    lost: Timestamp,
    now: Timestamp,
) -> Result<Proved> {
    let mut claim = need(transaction, name, tenant).await?;
    let event = Event::new("domain.prove", name).with("by", if by == ProvenBy::Dns { "dns" } else { "operator" });
    if let Some(stored) = transaction.get(&key::domain(name)).await? {
        let other = domain::decode(name.clone(), &stored)?.tenant;
        if claim.takes_over.is_none() {
            claim.takes_over = Some(lost);
            write(transaction, &claim);
            transaction.record(Chain::Tenant(tenant), event.with("takes_over", lost.millis));
            let contested = Event::new("domain.contested", name).with("lost", lost.millis);
            transaction.record(Chain::Tenant(other), contested);
            transaction.tell(other, Subject::Domain(name.clone()));
            transaction.send(&Notice {
                to: Recipient::Administrators(other),
                ..told.clone()
            });
        }
        return Ok(Proved::Waits { claim, other });
    }
    forget(transaction, name, tenant);
    let record = DomainRecord {
        proven: Some(now).filter(|_| by == ProvenBy::Dns),
        ..DomainRecord::new(name.clone(), tenant, now)
    };
    create_domain::put(transaction, &record).await?;
    transaction.record(Chain::Tenant(tenant), event);
    Ok(Proved::Domain(record))
}

/// The time to object is over, and it was proven once more: whoever has the domain loses it, with what is in it.
pub(crate) async fn take_over(transaction: &mut Change, tenant: TenantId, name: &Domain, now: Timestamp) -> Result<()> {
    let claim = need(transaction, name, tenant).await?;
    if claim.takes_over.is_none_or(|at| at > now) {
        return Err(Error::Refused(format!("{name} is not taken over yet")));
    }
    let mut record = read_domain(transaction, name).await?;
    if record.removal.is_some_and(|at| at <= now) {
        return Ok(());
    }
    remove_domain::cut_loose(transaction, &mut record).await?;
    record.removal = Some(now);
    write_domain(transaction, &record);
    let event = Event::new("domain.remove", name).with("reason", "another organisation has proved that it is theirs");
    transaction.record(Chain::Tenant(record.tenant), event);
    Ok(())
}

/// Looks for it again, and for as long as at first.
pub(crate) async fn renew(
    transaction: &mut Change,
    tenant: TenantId,
    name: &Domain,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<ClaimRecord> {
    let mut claim = need(transaction, name, tenant).await?;
    if claim.expires <= now {
        claim.expires = after(now, options.domain_claim);
        write(transaction, &claim);
    }
    Ok(claim)
}

/// Gives a claim up.
pub(crate) async fn drop(transaction: &mut Change, tenant: TenantId, name: &Domain) -> Result<()> {
    need(transaction, name, tenant).await?;
    forget(transaction, name, tenant);
    transaction.tell(tenant, Subject::Domain(name.clone()));
    transaction.record(Chain::Tenant(tenant), Event::new("domain.give-up", name));
    Ok(())
}

/// Claims of all tenants to a domain.
pub(crate) async fn to(transaction: &mut Transaction, name: &Domain) -> Result<Vec<ClaimRecord>> {
    let prefix = key::claims(name);
    let mut claims = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let tenant = TenantId(super::last_int(&prefix, &pair.key)?);
        claims.push(claim::decode(name.clone(), tenant, &pair.value)?);
    }
    Ok(claims)
}

/// What a tenant says is its own, by name.
pub(crate) async fn of_tenant(
    transaction: &mut Transaction,
    tenant: TenantId,
    asked: &Page<Domain>,
) -> Result<Vec<ClaimRecord>> {
    let prefix = key::tenant_claims(tenant);
    let after = asked.after.as_ref().map(|name| prefix.clone().string(name.as_str()));
    let pairs = list::page(transaction, &prefix, after, asked.limit).await?;
    let mut claims = Vec::with_capacity(pairs.len());
    for pair in pairs {
        claims.extend(find(transaction, &list::domain_of_key(&prefix, &pair.key)?, tenant).await?);
    }
    Ok(claims)
}
