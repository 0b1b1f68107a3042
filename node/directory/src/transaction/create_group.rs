//! Makes a group with its first members, or the group of a department.

use hongyan_audit::{Chain, Event};
use hongyan_types::{Address, Timestamp};

use super::{
    check_name, claim, clean, group_names, group_rules, home_of, need_department, plan, take_id, write_counts,
    write_group,
};
use crate::record::target::Target;
use crate::{Change, DirectoryOptions, Error, GroupId, GroupRecord, Limit, NewGroup, Posting, Result};

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
    let domain = home_of(transaction, &new.address.domain).await?;
    let bounds = plan::bounds(transaction, domain.tenant, now).await?;
    bounds
        .of(Limit::GroupsPerTenantMax, options)
        .check(bounds.owner.counts.groups)?;
    let mut owner = bounds.owner;
    let id = GroupId(take_id(transaction, "group").await?);
    let target = Target::Group {
        tenant: owner.id,
        group: id,
    };
    claim(transaction, &new.address, target).await?;
    let mut group = GroupRecord {
        display_name: clean(&new.display_name),
        member_departments: new.member_departments.clone(),
        member_tags: new.member_tags.clone(),
        posting: new.posting,
        posters: new.posters.clone(),
        representatives: new.representatives.clone(),
        owner: new.owner,
        external_id: clean(&new.external_id),
        ..GroupRecord::new(id, owner.id, new.address.clone(), now)
    };
    if let Some(department) = new.department {
        follow(transaction, &mut group, new, department).await?;
    }
    group_rules::clean(transaction, &mut group).await?;
    for member in &new.members {
        super::add_member::put(transaction, &mut group, member, options).await?;
    }
    group_rules::check_external_id(transaction, &group).await?;
    group_names::replace(transaction, None, &group);
    write_group(transaction, &group);
    group_rules::check_reach(transaction, &group, options).await?;
    owner.counts.groups += 1;
    write_counts(transaction, &owner);
    let event = Event::new("group.create", &group.address)
        .id(id.0)
        .with("name", &group.display_name)
        .with("members", group.members)
        .changed("posting", &Posting::Anyone, &group.posting);
    transaction.record(Chain::Tenant(owner.id), event);
    Ok(group)
}

/// GRP-5: a department's group is called as the department is, and has its members.
async fn follow(
    transaction: &mut Change,
    group: &mut GroupRecord,
    new: &NewGroup,
    id: crate::DepartmentId,
) -> Result<()> {
    let department = need_department(transaction, group.tenant, id).await?;
    if !new.members.is_empty() {
        return Err(group_rules::follows_department());
    }
    if let Some(other) = of_department(transaction, group.tenant, id).await? {
        return Err(Error::exists("group of the department", other));
    }
    group.display_name = department.name;
    group.department = Some(id);
    group.address_fixed = !new.address_generated;
    Ok(())
}

/// The address of a department's group, if it has one.
pub(super) async fn of_department(
    transaction: &mut Change,
    tenant: hongyan_types::TenantId,
    id: crate::DepartmentId,
) -> Result<Option<Address>> {
    let naming = crate::naming::Naming::Department(id.0);
    let groups = group_names::groups_naming(transaction, tenant, naming).await?;
    let own = groups.into_iter().find(|group| group.department == Some(id));
    Ok(own.map(|group| group.address))
}
