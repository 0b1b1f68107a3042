//! Removes a group and frees its address.

use hongyan_kv::Transaction;
use hongyan_types::Address;

use super::{read_group_at, read_tenant, write_tenant};
use crate::{Result, key};

pub(crate) async fn run(transaction: &mut Transaction, group: &Address) -> Result<()> {
    let group = read_group_at(transaction, group).await?;
    transaction.clear(&key::address(&group.address));
    transaction.clear(&key::group(group.tenant, group.id));
    transaction.clear_range(key::members(group.id).range());
    let mut owner = read_tenant(transaction, group.tenant).await?;
    owner.counts.groups -= 1;
    write_tenant(transaction, &owner);
    Ok(())
}
