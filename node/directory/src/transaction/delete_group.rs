//! Removes a group and frees its address.

use hongyan_audit::{Chain, Event};
use hongyan_types::Address;

use super::{folder_share, group_names, read_group_at, read_tenant, touch_address, touch_group, write_counts};
use crate::{Change, GroupRecord, Result, Sharee, key};

pub(crate) async fn run(transaction: &mut Change, group: &Address) -> Result<()> {
    let group = read_group_at(transaction, group).await?;
    remove(transaction, &group).await
}

pub(super) async fn remove(transaction: &mut Change, group: &GroupRecord) -> Result<()> {
    transaction.clear(&key::address(&group.address));
    touch_address(transaction, &group.address);
    touch_group(transaction, group);
    transaction.clear(&key::group(group.tenant, group.id));
    group_names::clear(transaction, group).await?;
    group_names::forget_address(transaction, &group.address).await?;
    folder_share::forget_sharee(transaction, group.tenant, Sharee::Group(group.id)).await?;
    let mut owner = read_tenant(transaction, group.tenant).await?;
    owner.counts.groups -= 1;
    write_counts(transaction, &owner);
    let event = Event::new("group.delete", &group.address).id(group.id.0);
    transaction.record(Chain::Tenant(owner.id), event);
    Ok(())
}
