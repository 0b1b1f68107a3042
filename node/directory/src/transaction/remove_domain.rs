//! Removes a domain with everyone in it: asked for, undone within a time, then carried out step by step (DOM-10).
//!
//! Who has another address keeps their mailbox and goes on with that; mailboxes of others go through the recycle bin, due at
//! once, so that their mail goes as it always does.

use hongyan_audit::{Chain, Event};
use hongyan_kv::{KeyValue, RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, Domain, Timestamp};

use super::claim_domain::after;
use super::{
    delete_domain, delete_group, need_account, purge, read_account, read_domain, read_tenant, recycle, set_domain,
    touch_address, write_account, write_domain,
};
use crate::record::target::{self, Target};
use crate::{Change, DirectoryOptions, DomainRecord, DomainUse, Error, Recycle, Result, key};

/// Begins: it takes no mail any more, and goes when the time is over.
pub(crate) async fn begin(
    transaction: &mut Change,
    name: &Domain,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<DomainRecord> {
    let mut record = read_domain(transaction, name).await?;
    if record.removal.is_some() {
        return Ok(record);
    }
    if record.moving || record.moving_from.is_some() {
        return Err(Error::Refused(format!("the addresses of {name} are moving")));
    }
    if let Some(other) = set_domain::names_of(transaction, &record).await?.first() {
        return Err(set_domain::in_use(name, format!("{other} is another name of it")));
    }
    let others = others_of(transaction, &record).await?;
    if others.is_empty() {
        let used = uses(transaction, name, options.domain_step_max).await?;
        if used.members_gone > 0 {
            let by = format!(
                "it is the organisation's last domain, and {} members have no other address",
                used.members_gone
            );
            return Err(set_domain::in_use(name, by));
        }
    }
    let until = after(now, options.domain_removal);
    record.removal = Some(until);
    write_domain(transaction, &record);
    let event = Event::new("domain.remove", name).with("until", until.millis);
    transaction.record(Chain::Tenant(record.tenant), event);
    Ok(record)
}

/// The tenant's other domains that are not on their way out and are no other names.
async fn others_of(transaction: &mut Change, record: &DomainRecord) -> Result<Vec<Domain>> {
    let prefix = key::tenant_domains(record.tenant);
    let mut others = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let name = super::list::domain_of_key(&prefix, &pair.key)?;
        let other = read_domain(transaction, &name).await?;
        let stays = name != record.domain && other.removal.is_none() && other.alias_of.is_none();
        others.extend(Some(name).filter(|_| stays));
    }
    Ok(others)
}

/// Ends what ties a domain to others of its tenant.
pub(super) async fn cut_loose(transaction: &mut Change, record: &mut DomainRecord) -> Result<()> {
    for name in set_domain::names_of(transaction, record).await? {
        let mut other = read_domain(transaction, &name).await?;
        other.alias_of = None;
        other.moving = false;
        write_domain(transaction, &other);
    }
    if let Some(main) = record.alias_of.take() {
        let mut main = read_domain(transaction, &main).await?;
        main.moving_from = None;
        write_domain(transaction, &main);
    }
    record.moving = false;
    record.moving_from = None;
    Ok(())
}

/// Undoes it.
pub(crate) async fn undo(transaction: &mut Change, name: &Domain, now: Timestamp) -> Result<DomainRecord> {
    let mut record = read_domain(transaction, name).await?;
    match record.removal {
        None => return Ok(record),
        Some(at) if at <= now => return Err(Error::Refused(format!("{name} is going already"))),
        Some(_) => record.removal = None,
    }
    write_domain(transaction, &record);
    transaction.record(Chain::Tenant(record.tenant), Event::new("domain.keep", name));
    Ok(record)
}

/// Carries some of it out; whether anything is left.
pub(crate) async fn step(
    transaction: &mut Change,
    name: &Domain,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<bool> {
    let Some(stored) = transaction.get(&key::domain(name)).await? else {
        return Ok(false);
    };
    let record = crate::record::domain::decode(name.clone(), &stored)?;
    if record.removal.is_none_or(|at| at > now) {
        return Ok(false);
    }
    let mut waiting = false;
    let addresses = page(transaction, name, options.domain_step_max).await?;
    for pair in &addresses {
        match target::decode(&pair.value)? {
            Target::Group { tenant, group } => {
                if let Some(group) = super::read_group(transaction, tenant, group).await? {
                    delete_group::run(transaction, &group.address).await?;
                }
                transaction.clear(&pair.key);
            }
            Target::Account { tenant, account, .. } => {
                waiting |= !leave(transaction, name, pair, (tenant, account), options, now).await?;
            }
        }
    }
    if addresses.is_empty() {
        delete_domain::run(transaction, name).await?;
        return Ok(false);
    }
    // What is in the recycle bin goes in its own time; it is looked at again later.
    Ok(!waiting)
}

/// Frees one address of an account; `false` when it is only on its way.
async fn leave(
    transaction: &mut Change,
    name: &Domain,
    pair: &KeyValue,
    (tenant, id): (hongyan_types::TenantId, AccountId),
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<bool> {
    let Some(mut account) = read_account(transaction, id).await? else {
        match purge::ask(transaction, tenant, id, now).await {
            Err(Error::NotFound { .. }) => transaction.clear(&pair.key),
            asked => asked?,
        }
        return Ok(false);
    };
    let mut gone: Vec<_> = account.aliases.extract_if(.., |alias| alias.domain == *name).collect();
    if account.address.domain == *name {
        if account.aliases.is_empty() {
            let asked = Recycle {
                confirmed: true,
                ..Recycle::default()
            };
            dismiss(transaction, id).await?;
            recycle::run(transaction, id, &asked, options, now).await?;
            purge::ask(transaction, tenant, id, now).await?;
            return Ok(false);
        }
        let next = account.aliases.remove(0);
        let alias = Target::Account {
            tenant,
            account: id,
            alias: false,
        };
        transaction.set(key::address(&next), target::encode(alias));
        touch_address(transaction, &next);
        gone.push(std::mem::replace(&mut account.address, next));
    }
    for address in &gone {
        transaction.clear(&key::address(address));
        touch_address(transaction, address);
    }
    transaction.clear(&pair.key);
    write_account(transaction, &account);
    Ok(true)
}

/// Nobody is indispensable in a domain that goes.
async fn dismiss(transaction: &mut Change, id: AccountId) -> Result<()> {
    let mut account = need_account(transaction, id).await?;
    if account.role.take().is_none() {
        return Ok(());
    }
    let mut owner = read_tenant(transaction, account.tenant).await?;
    if owner.creator == Some(account.id) {
        owner.creator = None;
        super::write_tenant(transaction, &owner);
    }
    transaction.clear(&key::role(account.tenant, account.id));
    write_account(transaction, &account);
    Ok(())
}

async fn page(transaction: &mut Transaction, name: &Domain, limit: usize) -> Result<Vec<KeyValue>> {
    let mut query = RangeQuery::all(key::addresses(name).range());
    query.limit = limit;
    Ok(transaction.get_range_all(query).await?)
}

/// What is in a domain, as far as `addresses_max` addresses tell.
pub(crate) async fn uses(transaction: &mut Transaction, name: &Domain, addresses_max: usize) -> Result<DomainUse> {
    let mut query = RangeQuery {
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(key::addresses(name).range())
    };
    query.limit = addresses_max.saturating_add(1);
    let pairs = transaction.get_range_all(query).await?;
    let mut used = DomainUse {
        more: pairs.len() > addresses_max,
        ..DomainUse::default()
    };
    for pair in pairs.iter().take(addresses_max) {
        match target::decode(&pair.value)? {
            Target::Group { .. } => used.groups += 1,
            Target::Account { alias: true, .. } => used.aliases += 1,
            Target::Account { account, .. } => match read_account(transaction, account).await? {
                None => used.recycled += 1,
                Some(account) if account.aliases.iter().any(|alias| alias.domain != *name) => used.members_kept += 1,
                Some(_) => used.members_gone += 1,
            },
        }
    }
    Ok(used)
}
