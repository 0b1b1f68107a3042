//! Moves all addresses of a domain to another of the same tenant; the old one becomes another name of the new one, so that
//! both lead to the same people before, during and after (DOM-12).

use hongyan_audit::{Chain, Event};
use hongyan_kv::{KeyValue, RangeQuery};
use hongyan_types::{Address, Domain, LocalPart};

use super::{
    check_limit, read_domain, read_group, read_tenant, set_domain, touch_address, touch_domain, write_account,
    write_domain, write_group, write_tenant,
};
use crate::record::target::{self, Target};
use crate::{Change, DirectoryOptions, DomainRecord, Error, Result, key};

/// Begins: from now on an address of either domain is looked for in both.
pub(crate) async fn begin(
    transaction: &mut Change,
    from: &Domain,
    to: &Domain,
    options: &DirectoryOptions,
) -> Result<DomainRecord> {
    let mut old = read_domain(transaction, from).await?;
    if old.is_special() {
        return Err(Error::Refused(format!(
            "{from} is another name, or is being moved or removed"
        )));
    }
    set_domain::check_main(transaction, &old, to).await?;
    let mut new = read_domain(transaction, to).await?;
    let mut query = RangeQuery::all(key::addresses(to).range());
    query.limit = options.domain_move_into_max.saturating_add(1);
    let there = transaction.get_range_all(query).await?;
    if there.len() > options.domain_move_into_max {
        check_limit(
            "domain_move_into_max",
            options.domain_move_into_max as u64,
            there.len() as u64,
        )?;
    }
    for pair in there {
        let local = local_of_key(to, &pair)?;
        if transaction
            .get(&key::addresses(from).string(&local).pack())
            .await?
            .is_some()
        {
            return Err(Error::exists("address", format!("{local}@{to}")));
        }
    }
    old.alias_of = Some(to.clone());
    old.moving = true;
    new.moving_from = Some(from.clone());
    if new.catch_all.is_none() {
        new.catch_all = old.catch_all;
    }
    write_domain(transaction, &old);
    write_domain(transaction, &new);
    let mut owner = read_tenant(transaction, old.tenant).await?;
    if owner.default_domain.as_ref() == Some(from) {
        owner.default_domain = Some(to.clone());
        write_tenant(transaction, &owner);
    }
    let event = Event::new("domain.move", from).with("to", to);
    transaction.record(Chain::Tenant(old.tenant), event);
    Ok(old)
}

/// Moves some addresses; whether any are left.
pub(crate) async fn step(transaction: &mut Change, from: &Domain, options: &DirectoryOptions) -> Result<bool> {
    let mut old = read_domain(transaction, from).await?;
    let Some(to) = old.alias_of.clone().filter(|_| old.moving) else {
        return Ok(false);
    };
    let mut query = RangeQuery::all(key::addresses(from).range());
    query.limit = options.domain_step_max;
    let addresses = transaction.get_range_all(query).await?;
    if addresses.is_empty() {
        old.moving = false;
        write_domain(transaction, &old);
        let mut new = read_domain(transaction, &to).await?;
        new.moving_from = None;
        write_domain(transaction, &new);
        let event = Event::new("domain.moved", from).with("to", &to);
        transaction.record(Chain::Tenant(old.tenant), event);
        return Ok(false);
    }
    for pair in &addresses {
        let local = local_of_key(from, pair)?;
        let target = target::decode(&pair.value)?;
        transaction.clear(&pair.key);
        transaction.set(key::addresses(&to).string(&local).pack(), pair.value.clone());
        rename(transaction, target, (from, &to), &local).await?;
    }
    touch_domain(transaction, &old);
    Ok(true)
}

/// The local part that ends the key of an address, as addresses are compared.
pub(super) fn local_of_key(domain: &Domain, pair: &KeyValue) -> Result<String> {
    let corrupt = || super::corrupt("key of an address");
    let mut reader = key::addresses(domain).reader(&pair.key).map_err(|_| corrupt())?;
    reader.string().map_err(|_| corrupt())
}

/// Writes the address in what it leads to.
async fn rename(transaction: &mut Change, target: Target, (from, to): (&Domain, &Domain), local: &str) -> Result<()> {
    let corrupt = |_| super::corrupt("local part of an address");
    let old = Address::new(LocalPart::try_from(local).map_err(corrupt)?, from.clone());
    let moved = |address: &Address| Address::new(address.local.clone(), to.clone());
    touch_address(transaction, &old);
    touch_address(transaction, &moved(&old));
    match target {
        Target::Account { tenant, account, .. } => {
            let is_old = |address: &Address| address.key() == old.key();
            let moved_all = |account: &mut crate::AccountRecord| {
                for address in std::iter::once(&mut account.address).chain(&mut account.aliases) {
                    if is_old(address) {
                        *address = moved(address);
                    }
                }
            };
            if let Some(mut account) = super::read_account(transaction, account).await? {
                moved_all(&mut account);
                write_account(transaction, &account);
            } else if let Ok(mut recycled) = super::recycle::need(transaction, tenant, account).await {
                moved_all(&mut recycled.account);
                super::recycle::write(transaction, &recycled);
            }
        }
        Target::Group { tenant, group } => {
            if let Some(mut group) = read_group(transaction, tenant, group).await? {
                group.address = moved(&group.address);
                write_group(transaction, &group);
            }
        }
    }
    Ok(())
}
