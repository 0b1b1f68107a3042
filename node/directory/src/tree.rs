//! A tenant's departments as a tree, read from the store, and who is found by department and tag.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, TenantId};

use crate::record::{department, tag};
use crate::transaction::{corrupt, last_int};
use crate::{DepartmentId, Result, TagId, key};

/// What each department of a tenant is part of.
#[derive(Debug)]
pub(crate) struct Tree {
    parents: BTreeMap<DepartmentId, DepartmentId>,
}

impl Tree {
    /// Reads it, in a way that makes no conflicts.
    pub(crate) async fn read(transaction: &mut Transaction, tenant: TenantId) -> Result<Self> {
        let prefix = key::departments(tenant);
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(prefix.range())
        };
        let mut parents = BTreeMap::new();
        for pair in transaction.get_range_all(query).await? {
            let id = u32::try_from(last_int(&prefix, &pair.key)?).map_err(|_| corrupt("key of a department"))?;
            let id = DepartmentId(id);
            parents.insert(id, department::decode(tenant, id, &pair.value)?.parent);
        }
        Ok(Self { parents })
    }

    /// A department and all above it, upwards; nothing for the organisation itself.
    pub(crate) fn path(&self, from: DepartmentId) -> Vec<DepartmentId> {
        let mut path = Vec::new();
        let mut at = from;
        while let Some(parent) = self.parents.get(&at) {
            if path.len() > self.parents.len() {
                break;
            }
            path.push(at);
            at = *parent;
        }
        path
    }

    /// Departments that are one of `tops` or lie below one.
    fn below(&self, tops: &[DepartmentId]) -> BTreeSet<DepartmentId> {
        let within = |id: &&DepartmentId| self.path(**id).iter().any(|above| tops.contains(above));
        let found = self.parents.keys().filter(within).copied();
        found.collect()
    }
}

/// The accounts that belong to these departments, all below included, or bear these tags, by themselves or by a department.
/// The organisation itself, as a department, is everyone.
pub(crate) async fn accounts_in(
    transaction: &mut Transaction,
    tenant: TenantId,
    tree: &mut Option<Tree>,
    departments: &[DepartmentId],
    tags: &[TagId],
) -> Result<BTreeSet<AccountId>> {
    let mut tops = departments.to_vec();
    let mut found = BTreeSet::new();
    for id in tags {
        found.extend(ids(transaction, &key::tag_members(tenant, *id)).await?);
        if let Some(stored) = transaction.get_snapshot(&key::tag(tenant, *id)).await? {
            tops.extend(tag::decode(tenant, *id, &stored)?.departments);
        }
    }
    if tops.contains(&DepartmentId::ROOT) {
        found.extend(ids(transaction, &key::accounts(tenant)).await?);
        return Ok(found);
    }
    if tops.is_empty() {
        return Ok(found);
    }
    if tree.is_none() {
        *tree = Some(Tree::read(transaction, tenant).await?);
    }
    let below = tree.as_ref().map(|tree| tree.below(&tops)).unwrap_or_default();
    for id in below {
        found.extend(ids(transaction, &key::department_members(tenant, id)).await?);
    }
    Ok(found)
}

async fn ids(transaction: &mut Transaction, prefix: &hongyan_kv::tuple::Tuple) -> Result<Vec<AccountId>> {
    let query = RangeQuery {
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(prefix.range())
    };
    let pairs = transaction.get_range_all(query).await?;
    let id = |key: &[u8]| Ok(AccountId(last_int(prefix, key)?));
    pairs.iter().map(|pair| id(&pair.key)).collect()
}
