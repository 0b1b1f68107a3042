//! Gives an account another main address: once, and only where the present one was made up (MEM-1, MEM-11).

use hongyan_audit::Event;
use hongyan_kv::RangeQuery;
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

use super::{
    claim, home_of, last_int, need_account, plan, read_group, read_int, record_account, touch_address, write_account,
    write_group,
};
use crate::naming;
use crate::record::target::{self, Target};
use crate::{AccountRecord, AddressChange, Change, DirectoryOptions, Error, GroupId, Limit, Result, etag, key};

pub(crate) async fn run(
    transaction: &mut Change,
    id: AccountId,
    change: &AddressChange,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<AccountRecord> {
    let mut account = need_account(transaction, id).await?;
    etag::check(change.expect, account.etag(), "member", &account.address)?;
    let (old, new) = (account.address.clone(), &change.address);
    if new.key() == old.key() {
        return Ok(account);
    }
    if !account.address_made_up {
        let words = "was given by hand or changed already: only one that was made from a name changes, and only once";
        return Err(Error::Refused(format!(
            "the address {old} {words}; an alias can be added"
        )));
    }
    if home_of(transaction, &new.domain).await?.tenant != account.tenant {
        return Err(Error::not_found("domain", &new.domain));
    }
    let leads = |alias: bool| Target::Account {
        tenant: account.tenant,
        account: id,
        alias,
    };
    let was_alias = account.aliases.iter().any(|alias| alias.key() == new.key());
    if was_alias {
        transaction.set(key::address(new), target::encode(leads(false)));
        touch_address(transaction, new);
    } else {
        claim(transaction, new, leads(false)).await?;
    }
    if change.release {
        transaction.clear(&key::address(&old));
    } else {
        transaction.set(key::address(&old), target::encode(leads(true)));
    }
    touch_address(transaction, &old);
    account.aliases.retain(|alias| alias.key() != new.key());
    if !change.release {
        let bounds = plan::bounds(transaction, account.tenant, now).await?;
        bounds
            .of(Limit::AliasesPerAccountMax, options)
            .check(account.aliases.len() as u64)?;
        account.aliases.push(old.clone());
    }
    rejoin(transaction, &old, new).await?;
    account.address = new.clone();
    account.address_made_up = false;
    write_account(transaction, &account);
    let event = Event::new("member.change", &account.address)
        .changed("address", &old.to_string(), &account.address.to_string())
        .with("old_address", if change.release { "free" } else { "alias" });
    record_account(transaction, &account, event);
    Ok(account)
}

/// In the groups that have the old address as a member, the new one takes its place.
async fn rejoin(transaction: &mut Change, old: &Address, new: &Address) -> Result<()> {
    let prefix = naming::groups_of(old);
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = GroupId(last_int(&prefix, &pair.key)?);
        transaction.clear(&pair.key);
        transaction.clear(&key::member(id, old));
        let is_there = transaction.get(&key::member(id, new)).await?.is_some();
        transaction.set(key::member(id, new), new.to_string().into_bytes());
        transaction.set(naming::group_of(new, id), pair.value.clone());
        let tenant = TenantId(read_int(&pair.value)?);
        if let Some(mut group) = read_group(transaction, tenant, id).await? {
            group.members = group.members.saturating_sub(u64::from(is_there));
            // Its members are told anew in any case.
            write_group(transaction, &group);
        }
    }
    Ok(())
}
