//! What a group's record names is written where it leads back to the group; what goes is taken out of all groups.

use std::collections::BTreeSet;

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_types::{Address, TenantId};

use super::{last_int, read_group, read_int, write_group};
use crate::naming::{self, Naming};
use crate::{AccountRecord, Change, GroupId, GroupRecord, Result, key};

fn names(group: &GroupRecord) -> BTreeSet<Naming> {
    let departments = group.all_departments().chain(group.posters.departments.iter().copied());
    let tags = group.member_tags.iter().chain(&group.posters.tags);
    departments
        .map(|id| Naming::Department(id.0))
        .chain(tags.map(|id| Naming::Tag(id.0)))
        .chain(group.representatives.iter().map(|id| Naming::Representative(id.0)))
        .chain(group.owner.iter().map(|id| Naming::Owner(id.0)))
        .collect()
}

/// Moves what leads to a group from what its record named to what it names. `before` is `None` for a new one.
pub(super) fn replace(transaction: &mut Change, before: Option<&GroupRecord>, after: &GroupRecord) {
    let (old, new) = (before.map(names).unwrap_or_default(), names(after));
    for gone in old.difference(&new) {
        transaction.clear(&gone.group(after.tenant, after.id));
    }
    for added in new.difference(&old) {
        transaction.set(added.group(after.tenant, after.id), Vec::new());
    }
    if let Some(key) = before.and_then(external_id) {
        transaction.clear(&key);
    }
    if let Some(key) = external_id(after) {
        transaction.set(key, after.id.0.to_le_bytes().to_vec());
    }
}

/// Where what an outside directory calls a group leads to it.
pub(super) fn external_id(group: &GroupRecord) -> Option<bytes::Bytes> {
    (!group.external_id.is_empty()).then(|| key::unique("group-external-id", group.tenant, &group.external_id))
}

/// Removes all that leads to a group that goes.
pub(super) async fn clear(transaction: &mut Change, group: &GroupRecord) -> Result<()> {
    for gone in names(group) {
        transaction.clear(&gone.group(group.tenant, group.id));
    }
    if let Some(key) = external_id(group) {
        transaction.clear(&key);
    }
    for pair in transaction
        .get_range_all(RangeQuery::all(key::members(group.id).range()))
        .await?
    {
        let member = crate::record::read_address(&String::from_utf8_lossy(&pair.value))?;
        transaction.clear(&naming::group_of(&member, group.id));
    }
    transaction.clear_range(key::members(group.id).range());
    Ok(())
}

/// The groups whose records name something.
pub(super) async fn groups_naming(
    transaction: &mut Change,
    tenant: TenantId,
    naming: Naming,
) -> Result<Vec<GroupRecord>> {
    let prefix = naming.groups(tenant);
    let mut groups = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        groups.extend(read_group(transaction, tenant, GroupId(last_int(&prefix, &pair.key)?)).await?);
    }
    Ok(groups)
}

/// Takes something that goes out of the records of all groups that name it.
pub(super) async fn forget(transaction: &mut Change, tenant: TenantId, naming: Naming) -> Result<()> {
    for before in groups_naming(transaction, tenant, naming).await? {
        let mut group = before.clone();
        match naming {
            Naming::Department(id) => {
                group.member_departments.retain(|department| department.0 != id);
                group.posters.departments.retain(|department| department.0 != id);
            }
            Naming::Tag(id) => {
                group.member_tags.retain(|tag| tag.0 != id);
                group.posters.tags.retain(|tag| tag.0 != id);
            }
            Naming::Representative(id) => group.representatives.retain(|account| account.0 != id),
            Naming::Owner(_) => group.owner = None,
        }
        replace(transaction, Some(&before), &group);
        write_group(transaction, &group);
    }
    Ok(())
}

/// The groups of a tenant that have an address as a member.
pub(super) async fn groups_with_member(
    transaction: &mut Change,
    tenant: TenantId,
    address: &Address,
) -> Result<Vec<GroupRecord>> {
    let prefix = naming::groups_of(address);
    let mut groups = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        if read_int(&pair.value)? == tenant.0 {
            let id = GroupId(last_int(&prefix, &pair.key)?);
            groups.extend(read_group(transaction, tenant, id).await?);
        }
    }
    Ok(groups)
}

/// Takes an address that goes out of all groups that it is a member of.
pub(super) async fn forget_address(transaction: &mut Change, address: &Address) -> Result<()> {
    let prefix = naming::groups_of(address);
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = GroupId(last_int(&prefix, &pair.key)?);
        let tenant = TenantId(read_int(&pair.value)?);
        if let Some(mut group) = read_group(transaction, tenant, id).await? {
            transaction.clear(&key::member(id, address));
            group.members = group.members.saturating_sub(1);
            write_group(transaction, &group);
            let event = Event::new("group.remove-member", &group.address)
                .id(id.0)
                .with("member", address)
                .with("reason", "the address is gone");
            transaction.record(Chain::Tenant(tenant), event);
        }
        transaction.clear(&pair.key);
    }
    Ok(())
}

/// Takes an account that goes out of all groups.
pub(super) async fn forget_account(transaction: &mut Change, account: &AccountRecord) -> Result<()> {
    for address in account.addresses() {
        forget_address(transaction, address).await?;
    }
    forget(transaction, account.tenant, Naming::Representative(account.id.0)).await?;
    forget(transaction, account.tenant, Naming::Owner(account.id.0)).await
}
