//! Makes a department.

use hongyan_audit::{Chain, Event};
use hongyan_kv::Transaction;
use hongyan_types::{TenantId, Timestamp};

use super::{
    check_limit, clean_name, folded, need_department, read_tenant, take_small_id, write_counts, write_department,
};
use crate::{Change, DepartmentId, DepartmentRecord, DirectoryOptions, Error, NewDepartment, Result, key};

/// Most characters of a department's name.
pub(super) const NAME_CHARACTERS_MAX: usize = 64;

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    new: &NewDepartment,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<DepartmentRecord> {
    let name = clean_name(&new.name, NAME_CHARACTERS_MAX)?;
    let mut owner = read_tenant(transaction, tenant).await?;
    check_limit(
        "departments_per_tenant_max",
        options.departments_per_tenant_max,
        owner.counts.departments,
    )?;
    let level = level_of(transaction, tenant, new.parent, options).await? + 1;
    check_level(level, options)?;
    let id = DepartmentId(take_small_id(transaction, tenant, "department").await?);
    claim_name(transaction, tenant, new.parent, &name, id).await?;
    let department = DepartmentRecord {
        id,
        tenant,
        name,
        parent: new.parent,
        rank: new.rank,
        created: now,
    };
    write_department(transaction, &department);
    owner.counts.departments += 1;
    write_counts(transaction, &owner);
    let event = Event::new("department.create", &department.name)
        .id(u64::from(id.0))
        .with("parent", new.parent);
    transaction.record(Chain::Tenant(tenant), event);
    Ok(department)
}

/// Levels from the organisation down to a department: 0 for the organisation itself.
async fn level_of(
    transaction: &mut Transaction,
    tenant: TenantId,
    department: DepartmentId,
    options: &DirectoryOptions,
) -> Result<usize> {
    let (mut level, mut at) = (0, department);
    while at != DepartmentId::ROOT {
        at = need_department(transaction, tenant, at).await?.parent;
        level += 1;
        if level > options.department_levels_max.max(1_000) {
            return Err(super::corrupt("departments in a circle"));
        }
    }
    Ok(level)
}

/// Refuses what lies too deep (ORG-6).
pub(super) fn check_level(level: usize, options: &DirectoryOptions) -> Result<()> {
    let max = options.department_levels_max;
    if level > max {
        return Err(Error::Limit {
            setting: "department_levels_max",
            max: max as u64,
            used: level as u64,
        });
    }
    Ok(())
}

/// Takes a name among the parts of `parent`.
pub(super) async fn claim_name(
    transaction: &mut Change,
    tenant: TenantId,
    parent: DepartmentId,
    name: &str,
    id: DepartmentId,
) -> Result<()> {
    let key = key::department_names(tenant, parent).string(&folded(name)).pack();
    if transaction.get(&key).await?.is_some() {
        return Err(Error::exists("department", name));
    }
    transaction.set(key, u64::from(id.0).to_le_bytes().to_vec());
    Ok(())
}
