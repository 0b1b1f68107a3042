//! Adds a member to a group.

use hongyan_audit::{Chain, Event};
use hongyan_types::Address;

use super::{check_limit, read_group_at, write_group};
use crate::{Change, DirectoryOptions, GroupRecord, Result, key};

pub(crate) async fn run(
    transaction: &mut Change,
    group: &Address,
    member: &Address,
    options: &DirectoryOptions,
) -> Result<GroupRecord> {
    let mut group = read_group_at(transaction, group).await?;
    put(transaction, &mut group, member, options).await?;
    write_group(transaction, &group);
    let event = Event::new("group.add-member", &group.address)
        .id(group.id.0)
        .with("member", member);
    transaction.record(Chain::Tenant(group.tenant), event);
    Ok(group)
}

/// Adds a member; one that is there already stays once.
pub(super) async fn put(
    transaction: &mut Change,
    group: &mut GroupRecord,
    member: &Address,
    options: &DirectoryOptions,
) -> Result<()> {
    let key = key::member(group.id, member);
    if transaction.get(&key).await?.is_some() {
        return Ok(());
    }
    check_limit("group_members_max", options.group_members_max, group.members)?;
    transaction.set(key, member.to_string().into_bytes());
    group.members += 1;
    Ok(())
}
