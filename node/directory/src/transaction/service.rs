//! The end of an organisation's service: told before, then suspended, later, if the operator has switched that on, purged
//! (ORG-15).

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_types::{TenantId, Timestamp};

use super::claim_domain::after;
use super::{
    days_due, delete_tenant, list, read_domain, read_tenant, remove_domain, sanction, write_domain, write_tenant,
};
use crate::oversight::service_ends;
use crate::{Change, DirectoryOptions, Result, SanctionKind, TenantRecord, TenantState, key, transaction as tx};

/// Days before the end of a service at which administrators are told; 0 is the end itself.
const DAYS: [u32; 4] = [30, 7, 1, 0];

/// Notes when the service ends; the list of those that end is kept beside. A later end, or none, makes what has ended work
/// again.
pub(super) async fn note(transaction: &mut Change, tenant: &mut TenantRecord, now: Timestamp) -> Result<()> {
    let key = key::service_end(tenant.id);
    match tenant.service_until {
        Some(_) => transaction.set(key, told_value(None)),
        None => transaction.clear(&key),
    }
    if tenant.ended.is_some() && tenant.service_until.is_none_or(|until| until > now) {
        go_on(transaction, tenant).await?;
    }
    Ok(())
}

/// What has ended works again, as far as no sanction holds.
pub(super) async fn go_on(transaction: &mut Change, tenant: &mut TenantRecord) -> Result<()> {
    tenant.ended = None;
    let all = sanction::all(transaction, tenant.id).await?;
    let stays = all.iter().any(|sanction| {
        sanction.account.is_none() && sanction.lifted.is_none() && sanction.kind >= SanctionKind::Suspension
    });
    if !stays {
        tenant.state = TenantState::Active;
    }
    Ok(())
}

fn told_value(days: Option<u32>) -> Vec<u8> {
    days.map(|days| days.to_be_bytes().to_vec()).unwrap_or_default()
}

/// What comes next: a mail, the end, the purge.
pub(crate) async fn look(
    transaction: &mut Change,
    id: TenantId,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    let Some(value) = transaction.get(&key::service_end(id)).await? else {
        return Ok(());
    };
    let told = <[u8; 4]>::try_from(&value[..]).ok().map(u32::from_be_bytes);
    let mut owner = read_tenant(transaction, id).await?;
    let Some(until) = owner.service_until else {
        transaction.clear(&key::service_end(id));
        return Ok(());
    };
    // One that has ended before that has ended for another reason.
    if let Some(ended) = owner.ended.filter(|ended| *ended >= until) {
        return match options.purge_ended {
            Some(kept) if after(ended, kept) <= now => purge(transaction, &owner, now).await,
            _ => Ok(()),
        };
    }
    let left = until.millis.saturating_sub(now.millis);
    if let Some(days) = days_due(&DAYS, left, told) {
        transaction.set(key::service_end(id), told_value(Some(days)));
        let (kind, english, chinese) = service_ends(until, days == 0);
        transaction.tell_administrators(id, kind, english, chinese);
    }
    if left <= 0 {
        owner.ended = Some(now);
        owner.state = TenantState::Suspended;
        write_tenant(transaction, &owner);
        transaction.record(
            Chain::Tenant(id),
            Event::new("organisation.ended", &owner.name).id(id.0),
        );
        transaction.record(
            Chain::Installation,
            Event::new("organisation.ended", &owner.name).id(id.0),
        );
    }
    Ok(())
}

/// Its domains go with everyone in them, as domains do; what is left of it after that goes too.
pub(super) async fn purge(transaction: &mut Change, owner: &TenantRecord, now: Timestamp) -> Result<()> {
    let prefix = key::tenant_domains(owner.id);
    let domains = transaction.get_range_all(RangeQuery::all(prefix.range())).await?;
    for pair in &domains {
        let mut record = read_domain(transaction, &list::domain_of_key(&prefix, &pair.key)?).await?;
        if record.removal.is_none_or(|at| at > now) {
            remove_domain::cut_loose(transaction, &mut record).await?;
            record.removal = Some(now);
            write_domain(transaction, &record);
            let event =
                Event::new("domain.remove", &record.domain).with("reason", "the organisation's service has ended");
            transaction.record(Chain::Tenant(owner.id), event);
        }
    }
    let crate::TenantCounts {
        accounts,
        domains,
        groups,
        ..
    } = owner.counts;
    if (accounts, domains, groups) == (0, 0, 0) {
        transaction.clear(&key::service_end(owner.id));
        delete_tenant::run(transaction, owner.id).await?;
    }
    Ok(())
}

/// Those whose service ends or has ended, after `after`, at most `limit`.
pub(crate) async fn ending(
    transaction: &mut hongyan_kv::Transaction,
    after: Option<TenantId>,
    limit: usize,
) -> Result<Vec<TenantId>> {
    let prefix = key::service_ends();
    let after = after.map(|tenant| prefix.clone().int(tenant.0));
    let pairs = list::page(transaction, &prefix, after, limit).await?;
    let tenant = |pair: &hongyan_kv::KeyValue| Ok(TenantId(tx::last_int(&prefix, &pair.key)?));
    pairs.iter().map(tenant).collect()
}
