//! Makes a group with its first members.

use hongyan_audit::{Chain, Event};
use hongyan_types::Timestamp;

use super::{check_limit, check_name, claim, read_domain, read_tenant, take_id, write_counts, write_group};
use crate::record::target::Target;
use crate::{Change, DirectoryOptions, Error, GroupId, GroupRecord, NewGroup, Result};

/// Members that fit one transaction; more are added one by one.
const FIRST_MEMBERS_MAX: usize = 1_000;

pub(crate) async fn run(
    transaction: &mut Change,
    new: &NewGroup,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<GroupRecord> {
    check_name(&new.display_name, 128)?;
    if new.members.len() > FIRST_MEMBERS_MAX {
        return Err(Error::Invalid(format!(
            "a group starts with at most {FIRST_MEMBERS_MAX} members"
        )));
    }
    let domain = read_domain(transaction, &new.address.domain).await?;
    let mut owner = read_tenant(transaction, domain.tenant).await?;
    check_limit(
        "groups_per_tenant_max",
        options.groups_per_tenant_max,
        owner.counts.groups,
    )?;
    let id = GroupId(take_id(transaction, "group").await?);
    let target = Target::Group {
        tenant: owner.id,
        group: id,
    };
    claim(transaction, &new.address, target).await?;
    let mut group = GroupRecord {
        id,
        tenant: owner.id,
        address: new.address.clone(),
        display_name: new.display_name.clone(),
        created: now,
        members: 0,
    };
    for member in &new.members {
        super::add_member::put(transaction, &mut group, member, options).await?;
    }
    write_group(transaction, &group);
    owner.counts.groups += 1;
    write_counts(transaction, &owner);
    let event = Event::new("group.create", &group.address)
        .id(id.0)
        .with("name", &group.display_name)
        .with("members", group.members);
    transaction.record(Chain::Tenant(owner.id), event);
    Ok(group)
}
