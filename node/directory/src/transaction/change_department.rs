//! Renames, ranks or moves a department. A move takes all that is below along and is checked as a whole (ORG-6).

use std::collections::BTreeMap;

use hongyan_audit::{Chain, Event};
use hongyan_kv::RangeQuery;
use hongyan_types::TenantId;

use super::create_department::{NAME_CHARACTERS_MAX, check_level, claim_name};
use super::{clean_name, folded, last_int, need_department, write_department};
use crate::record::department;
use crate::{
    Change, DepartmentChange, DepartmentId, DepartmentRecord, DirectoryOptions, Error, Field, Result, etag, key,
};

pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    id: DepartmentId,
    change: &DepartmentChange,
    options: &DirectoryOptions,
) -> Result<DepartmentRecord> {
    let before = need_department(transaction, tenant, id).await?;
    etag::check(change.expect, before.etag(), "department", &before.name)?;
    let mut department = before.clone();
    if let Field::Set(name) = &change.name {
        department.name = clean_name(name, NAME_CHARACTERS_MAX)?;
    }
    change.parent.apply(&mut department.parent);
    change.rank.apply(&mut department.rank);
    if department.parent != before.parent {
        check_move(transaction, &before, department.parent, options).await?;
    }
    let (old, new) = (folded(&before.name), folded(&department.name));
    if (before.parent, old.as_str()) != (department.parent, new.as_str()) {
        transaction.clear(&key::department_names(tenant, before.parent).string(&old).pack());
        claim_name(transaction, tenant, department.parent, &department.name, id).await?;
    }
    write_department(transaction, &department);
    if department.name != before.name {
        rename_group(transaction, &department).await?;
    }
    let event = Event::new("department.change", &department.name)
        .id(u64::from(id.0))
        .changed("name", &before.name, &department.name)
        .changed("parent", &before.parent.0, &department.parent.0)
        .changed("rank", &before.rank, &department.rank);
    transaction.record(Chain::Tenant(tenant), event);
    Ok(department)
}

/// GRP-5: the department's group is called as the department is.
async fn rename_group(transaction: &mut Change, department: &DepartmentRecord) -> Result<()> {
    let naming = crate::naming::Naming::Department(department.id.0);
    for mut group in super::group_names::groups_naming(transaction, department.tenant, naming).await? {
        if group.department == Some(department.id) {
            group.display_name.clone_from(&department.name);
            super::write_group(transaction, &group);
        }
    }
    Ok(())
}

/// Refuses to move a department into itself, or so deep that something below it is too deep.
async fn check_move(
    transaction: &mut Change,
    department: &DepartmentRecord,
    parent: DepartmentId,
    options: &DirectoryOptions,
) -> Result<()> {
    let tree = Parents::read(transaction, department.tenant).await?;
    if parent != DepartmentId::ROOT && !tree.0.contains_key(&parent) {
        return Err(Error::not_found("department", parent));
    }
    let above = tree.path(parent);
    if above.contains(&department.id) {
        return Err(Error::Refused(format!(
            "{} cannot be moved into itself or a department below it",
            department.name
        )));
    }
    let deepest = tree
        .0
        .keys()
        .filter_map(|id| tree.path(*id).iter().position(|above| *above == department.id))
        .max();
    check_level(above.len() + 1 + deepest.unwrap_or(0), options)
}

/// What each department of a tenant is part of.
struct Parents(BTreeMap<DepartmentId, DepartmentId>);

impl Parents {
    async fn read(transaction: &mut Change, tenant: TenantId) -> Result<Self> {
        let prefix = key::departments(tenant);
        let mut parents = BTreeMap::new();
        for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
            let id = small(last_int(&prefix, &pair.key)?)?;
            parents.insert(id, department::decode(tenant, id, &pair.value)?.parent);
        }
        Ok(Self(parents))
    }
    /// A department and all above it, upwards; nothing for the organisation.
    fn path(&self, from: DepartmentId) -> Vec<DepartmentId> {
        let mut path = Vec::new();
        let mut at = from;
        while at != DepartmentId::ROOT && path.len() <= self.0.len() {
            path.push(at);
            at = self.0.get(&at).copied().unwrap_or(DepartmentId::ROOT);
        }
        path
    }
}

fn small(id: u64) -> Result<DepartmentId> {
    let id = u32::try_from(id).map_err(|_| super::corrupt("key of a department"))?;
    Ok(DepartmentId(id))
}
