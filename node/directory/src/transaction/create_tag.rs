//! Makes a tag.

use hongyan_audit::{Chain, Event};
use hongyan_types::{TenantId, Timestamp};

use super::{
    check_limit, clean_name, folded, membership, need_department, read_tenant, take_small_id, write_counts, write_tag,
};
use crate::{Change, DepartmentId, DirectoryOptions, Error, NewTag, Result, TagId, TagRecord, key};

/// Most characters of a tag's name.
pub(super) const NAME_CHARACTERS_MAX: usize = 64;

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    new: &NewTag,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<TagRecord> {
    let name = clean_name(&new.name, NAME_CHARACTERS_MAX)?;
    let mut owner = read_tenant(transaction, tenant).await?;
    check_limit("tags_per_tenant_max", options.tags_per_tenant_max, owner.counts.tags)?;
    let departments = clean_departments(transaction, tenant, &new.departments, options).await?;
    let id = TagId(take_small_id(transaction, tenant, "tag").await?);
    claim_name(transaction, tenant, &name, id).await?;
    let tag = TagRecord {
        id,
        tenant,
        name,
        departments,
        created: now,
    };
    write_tag(transaction, &tag);
    owner.counts.tags += 1;
    write_counts(transaction, &owner);
    let event =
        Event::new("tag.create", &tag.name)
            .id(u64::from(id.0))
            .changed("departments", &Vec::new(), &tag.departments);
    transaction.record(Chain::Tenant(tenant), event);
    Ok(tag)
}

/// Departments as a tag keeps them: each once, all there.
pub(super) async fn clean_departments(
    transaction: &mut Change,
    tenant: TenantId,
    departments: &[DepartmentId],
    options: &DirectoryOptions,
) -> Result<Vec<DepartmentId>> {
    let mut departments = departments.to_vec();
    departments.sort_unstable();
    departments.dedup();
    membership::check_count("tags_per_member_max", options.tags_per_member_max, departments.len())?;
    for id in &departments {
        need_department(transaction, tenant, *id).await?;
    }
    Ok(departments)
}

pub(super) async fn claim_name(transaction: &mut Change, tenant: TenantId, name: &str, id: TagId) -> Result<()> {
    let key = key::tag_name(tenant, &folded(name));
    if transaction.get(&key).await?.is_some() {
        return Err(Error::exists("tag", name));
    }
    transaction.set(key, u64::from(id.0).to_le_bytes().to_vec());
    Ok(())
}
