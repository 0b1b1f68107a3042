//! Removes a department that has nothing below it. Its members leave it in the same step, or there are none.

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_types::{AccountId, TenantId};

use super::membership::check_count;
use super::{
    delete_group, folded, group_names, last_int, membership, need_account, need_department, read_tenant,
    touch_department, write_account, write_counts,
};
use crate::naming::Naming;
use crate::{Change, DepartmentId, DirectoryOptions, Error, Etag, Result, etag, key};

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    id: DepartmentId,
    members_to: Option<DepartmentId>,
    expect: Option<Etag>,
    options: &DirectoryOptions,
) -> Result<()> {
    let department = need_department(transaction, tenant, id).await?;
    etag::check(expect, department.etag(), "department", &department.name)?;
    let in_use = |by: &str| Error::InUse {
        what: "department",
        name: department.name.clone(),
        by: by.to_owned(),
    };
    let mut below = RangeQuery::all(key::department_names(tenant, id).range());
    below.limit = 1;
    if !transaction.get_range(below).await?.pairs.is_empty() {
        return Err(in_use("departments are below it"));
    }
    let moved = move_members(transaction, tenant, id, members_to, options).await?;
    if moved.is_none() {
        return Err(in_use("it has members: say where they go"));
    }
    clear_references(transaction, tenant, id).await?;
    let naming = Naming::Department(id.0);
    for group in group_names::groups_naming(transaction, tenant, naming).await? {
        if group.department == Some(id) {
            delete_group::remove(transaction, &group).await?;
        }
    }
    group_names::forget(transaction, tenant, naming).await?;
    super::grant::forget_grantee(transaction, tenant, crate::Grantee::Department(id)).await?;
    transaction.clear(&key::department(tenant, id));
    let name = key::department_names(tenant, department.parent).string(&folded(&department.name));
    transaction.clear(&name.pack());
    touch_department(transaction, &department);
    let mut owner = read_tenant(transaction, tenant).await?;
    owner.counts.departments = owner.counts.departments.saturating_sub(1);
    write_counts(transaction, &owner);
    let event = Event::new("department.delete", &department.name)
        .id(u64::from(id.0))
        .with("members_moved", moved.unwrap_or(0));
    transaction.record(Chain::Tenant(tenant), event);
    Ok(())
}

/// Takes the members out, into another department or, without one left, the organisation itself. `None` when there are
/// members and nowhere to go.
async fn move_members(
    transaction: &mut Change,
    tenant: TenantId,
    from: DepartmentId,
    to: Option<DepartmentId>,
    options: &DirectoryOptions,
) -> Result<Option<usize>> {
    let members = key::department_members(tenant, from);
    let mut query = RangeQuery::all(members.range());
    query.limit = options.members_moved_at_once_max + 1;
    let pairs = transaction.get_range_all(query).await?;
    if pairs.is_empty() {
        return Ok(Some(0));
    }
    let Some(to) = to else { return Ok(None) };
    if to == from {
        return Err(Error::Invalid(
            "members cannot go to the department that is deleted".to_owned(),
        ));
    }
    if to != DepartmentId::ROOT {
        need_department(transaction, tenant, to).await?;
    }
    check_count(
        "members_moved_at_once_max",
        options.members_moved_at_once_max,
        pairs.len(),
    )?;
    for pair in &pairs {
        let before = need_account(transaction, AccountId(last_int(&members, &pair.key)?)).await?;
        let mut account = before.clone();
        account.departments.retain(|id| *id != from && *id != to);
        if to != DepartmentId::ROOT {
            account.departments.push(to);
        }
        membership::replace(transaction, Some(&before), &account).await?;
        write_account(transaction, &account);
    }
    Ok(Some(pairs.len()))
}

/// Refuses while a delegated administrator's right is bound to the department; takes it out of tags.
async fn clear_references(transaction: &mut Change, tenant: TenantId, id: DepartmentId) -> Result<()> {
    let roles = key::roles(tenant);
    for pair in transaction.get_range_all(RangeQuery::all(roles.range())).await? {
        let account = need_account(transaction, AccountId(last_int(&roles, &pair.key)?)).await?;
        if let Some(crate::Role::Delegated { departments, .. }) = &account.role
            && departments.contains(&id)
        {
            return Err(Error::InUse {
                what: "department",
                name: id.to_string(),
                by: format!("{} is its delegated administrator", account.address),
            });
        }
    }
    let tags = key::tags(tenant);
    for pair in transaction.get_range_all(RangeQuery::all(tags.range())).await? {
        let tag = u32::try_from(last_int(&tags, &pair.key)?).map_err(|_| super::corrupt("key of a tag"))?;
        let mut tag = crate::record::tag::decode(tenant, crate::TagId(tag), &pair.value)?;
        if tag.departments.contains(&id) {
            tag.departments.retain(|department| *department != id);
            super::write_tag(transaction, &tag);
        }
    }
    Ok(())
}
