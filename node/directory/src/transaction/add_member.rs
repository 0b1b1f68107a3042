//! Adds a member to a group.

use hongyan_audit::{Chain, Event};
use hongyan_types::Address;

use super::{check_limit, group_rules, read_group_at, target_at, write_group};
use crate::naming;
use crate::record::target::Target;
use crate::{Change, DirectoryOptions, GroupRecord, Result, key};

pub(crate) async fn run(
    transaction: &mut Change,
    group: &Address,
    member: &Address,
    options: &DirectoryOptions,
) -> Result<GroupRecord> {
    let mut group = read_group_at(transaction, group).await?;
    if group.department.is_some() {
        return Err(group_rules::follows_department());
    }
    put(transaction, &mut group, member, options).await?;
    write_group(transaction, &group);
    // By address alone a group grows by one, which its own limit covers.
    let nested = matches!(target_at(transaction, member).await?, Some(Target::Group { .. }));
    if nested || group.all_departments().next().is_some() || !group.member_tags.is_empty() {
        group_rules::check_reach(transaction, &group, options).await?;
    } else {
        group_rules::check_above(transaction, &group, options).await?;
    }
    let event = Event::new("group.add-member", &group.address)
        .id(group.id.0)
        .with("member", member);
    transaction.record(Chain::Tenant(group.tenant), event);
    Ok(group)
}

/// Most members that are added at once.
const AT_ONCE_MAX: usize = 1_000;

/// Adds members to a group that may have all of them, or none.
pub(crate) async fn run_all(
    transaction: &mut Change,
    group: &Address,
    members: &[Address],
    options: &DirectoryOptions,
) -> Result<()> {
    super::membership::check_count("group_members_at_once_max", AT_ONCE_MAX, members.len())?;
    if members.is_empty() {
        return Ok(());
    }
    let mut group = read_group_at(transaction, group).await?;
    if group.department.is_some() {
        return Err(group_rules::follows_department());
    }
    for member in members {
        put(transaction, &mut group, member, options).await?;
        let event = Event::new("group.add-member", &group.address)
            .id(group.id.0)
            .with("member", member);
        transaction.record(Chain::Tenant(group.tenant), event);
    }
    write_group(transaction, &group);
    group_rules::check_reach(transaction, &group, options).await
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
    let back = group.tenant.0.to_le_bytes().to_vec();
    transaction.set(naming::group_of(member, group.id), back);
    group.members += 1;
    Ok(())
}
