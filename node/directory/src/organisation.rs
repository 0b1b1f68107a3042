//! What an organisation is made of: departments, tags, its members found and listed.

use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, TenantId};

use crate::index::TenantIndex;
use crate::record::{department, tag};
use crate::transaction::{self as tx, last_int};
use crate::{
    AccountRecord, DepartmentChange, DepartmentId, DepartmentRecord, DepartmentView, Directory, Error, Etag,
    ListedGroup, MemberOrder, MemberPage, MemberPlace, MemberQuery, NewDepartment, NewTag, Result, TagChange, TagId,
    TagRecord, key,
};

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Makes a department. `NotFound` for its parent, `Exists`, `Limit`, `Invalid`.
    pub async fn create_department(&self, tenant: TenantId, new: &NewDepartment) -> Result<DepartmentRecord> {
        let (new, now, this) = (new.clone(), self.now(), self.clone());
        self.change(async move |t| tx::create_department::run(t, tenant, &new, this.options(), now).await)
            .await
    }
    /// The part of a department with that name, in a change.
    pub async fn find_department(
        &self,
        change: &mut crate::Change,
        tenant: TenantId,
        parent: DepartmentId,
        name: &str,
    ) -> Result<Option<DepartmentId>> {
        let names = key::department_names(tenant, parent)
            .string(&tx::folded_name(name))
            .pack();
        let Some(stored) = change.get(&names).await? else {
            return Ok(None);
        };
        let id = u32::try_from(tx::read_int(&stored)?).map_err(|_| tx::corrupt("identifier of a department"))?;
        Ok(Some(DepartmentId(id)))
    }
    /// Makes a department in a change; as [`Self::create_department`].
    pub async fn add_department(
        &self,
        change: &mut crate::Change,
        tenant: TenantId,
        new: &NewDepartment,
    ) -> Result<DepartmentRecord> {
        tx::create_department::run(change, tenant, new, self.options(), self.now()).await
    }
    /// The tag of that name, in a change.
    pub async fn find_tag(&self, change: &mut crate::Change, tenant: TenantId, name: &str) -> Result<Option<TagId>> {
        let names = key::tag_name(tenant, &tx::folded_name(name));
        let Some(stored) = change.get(&names).await? else {
            return Ok(None);
        };
        let id = u32::try_from(tx::read_int(&stored)?).map_err(|_| tx::corrupt("identifier of a tag"))?;
        Ok(Some(TagId(id)))
    }
    /// Changes or moves a department. `NotFound`, `Exists`, `Limit`, `Invalid`, `Changed`, `Refused` for a move into itself.
    pub async fn change_department(
        &self,
        tenant: TenantId,
        id: DepartmentId,
        change: &DepartmentChange,
    ) -> Result<DepartmentRecord> {
        let (change, this) = (change.clone(), self.clone());
        self.change(async move |t| tx::change_department::run(t, tenant, id, &change, this.options()).await)
            .await
    }
    /// Removes a department; its members go to `members_to`. `NotFound`, `InUse`, `Limit`, `Changed`.
    pub async fn delete_department(
        &self,
        tenant: TenantId,
        id: DepartmentId,
        members_to: Option<DepartmentId>,
        expect: Option<Etag>,
    ) -> Result<()> {
        let this = self.clone();
        self.change(async move |t| tx::delete_department::run(t, tenant, id, members_to, expect, this.options()).await)
            .await
    }
    /// A department. `NotFound`.
    pub async fn department(&self, tenant: TenantId, id: DepartmentId) -> Result<DepartmentRecord> {
        self.read(async move |t: &mut Transaction| {
            let stored = t.get_snapshot(&key::department(tenant, id)).await?;
            let stored = stored.ok_or_else(|| Error::not_found("department", id))?;
            Ok(department::decode(tenant, id, &stored)?)
        })
        .await
    }

    /// Makes a tag. `NotFound` for a department, `Exists`, `Limit`, `Invalid`.
    pub async fn create_tag(&self, tenant: TenantId, new: &NewTag) -> Result<TagRecord> {
        let (new, now, this) = (new.clone(), self.now(), self.clone());
        self.change(async move |t| tx::create_tag::run(t, tenant, &new, this.options(), now).await)
            .await
    }
    /// Changes a tag. `NotFound`, `Exists`, `Limit`, `Invalid`, `Changed`.
    pub async fn change_tag(&self, tenant: TenantId, id: TagId, change: &TagChange) -> Result<TagRecord> {
        let (change, this) = (change.clone(), self.clone());
        self.change(async move |t| tx::change_tag::run(t, tenant, id, &change, this.options()).await)
            .await
    }
    /// Removes a tag. `NotFound`, `Limit` when more members bear it than leave at once, `Changed`.
    pub async fn delete_tag(&self, tenant: TenantId, id: TagId, expect: Option<Etag>) -> Result<()> {
        let this = self.clone();
        self.change(async move |t| tx::delete_tag::run(t, tenant, id, expect, this.options()).await)
            .await
    }
    /// A tag. `NotFound`.
    pub async fn tag(&self, tenant: TenantId, id: TagId) -> Result<TagRecord> {
        self.read(async move |t: &mut Transaction| {
            let stored = t.get_snapshot(&key::tag(tenant, id)).await?;
            let stored = stored.ok_or_else(|| Error::not_found("tag", id))?;
            Ok(tag::decode(tenant, id, &stored)?)
        })
        .await
    }
    /// All tags of a tenant, by identifier.
    pub async fn tags(&self, tenant: TenantId) -> Result<Vec<TagRecord>> {
        self.index()
            .look(self, tenant, |index| index.tags().values().cloned().collect())
            .await
    }

    /// Departments that are part of `parent`, in their order, with the numbers of what they hold.
    pub async fn departments_below(&self, tenant: TenantId, parent: DepartmentId) -> Result<Vec<DepartmentView>> {
        self.index().look(self, tenant, |index| index.children(parent)).await
    }
    /// All departments of a tenant, each after what it is part of.
    pub async fn departments(&self, tenant: TenantId) -> Result<Vec<DepartmentView>> {
        self.index().look(self, tenant, TenantIndex::tree).await
    }
    /// Whether a department is one of `within` or lies below one of them.
    pub async fn is_within(&self, tenant: TenantId, id: DepartmentId, within: &[DepartmentId]) -> Result<bool> {
        self.index()
            .look(self, tenant, |index| {
                index.path(id).iter().any(|above| within.contains(above))
            })
            .await
    }
    /// Departments, each with all above it.
    pub async fn with_all_above(&self, tenant: TenantId, ids: &[DepartmentId]) -> Result<Vec<DepartmentId>> {
        self.index()
            .look(self, tenant, |index| {
                ids.iter().flat_map(|id| index.path(*id)).collect()
            })
            .await
    }

    /// Where a list in that order goes on that ends with that account; nothing when the account is not in it any more.
    pub async fn place_of(&self, tenant: TenantId, id: AccountId, by: MemberOrder) -> Result<Option<MemberPlace>> {
        self.index().look(self, tenant, |index| index.place_of(id, by)).await
    }
    /// Members and shared mailboxes that `query` takes, after `after`, at most `limit`; by name, and for those who ask as members by
    /// what they are shown. `Invalid` for a place in a list of another order.
    pub async fn find_members(
        &self,
        tenant: TenantId,
        query: &MemberQuery,
        after: Option<&MemberPlace>,
        limit: usize,
    ) -> Result<MemberPage> {
        if after.is_some_and(|after| after.by != query.order()) {
            return Err(Error::Invalid(
                "the list is in another order than the page before".to_owned(),
            ));
        }
        let found = self
            .index()
            .look(self, tenant, |index| index.find(query, after, limit))
            .await?;
        let accounts = self.lookup().accounts_of(tenant, &found.ids).await?;
        Ok(MemberPage {
            accounts,
            total: found.total,
            next: found.next,
        })
    }
    /// How many members and shared mailboxes `query` takes.
    pub async fn count_members(&self, tenant: TenantId, query: &MemberQuery) -> Result<usize> {
        self.index()
            .look(self, tenant, |index| index.find(query, None, 0).total)
            .await
    }
    /// All groups of a tenant by identifier, as people look for them.
    pub async fn listed_groups(&self, tenant: TenantId) -> Result<Arc<[Arc<ListedGroup>]>> {
        self.index().groups(self, tenant).await
    }
    /// All of a tenant's departments and tags as stored, and its accounts page by page: what an index is made of.
    pub(crate) async fn structure(&self, tenant: TenantId) -> Result<(Vec<DepartmentRecord>, Vec<TagRecord>)> {
        self.read(async move |t: &mut Transaction| {
            let all = |prefix: &hongyan_kv::tuple::Tuple| RangeQuery {
                mode: ReadMode::Snapshot,
                ..RangeQuery::all(prefix.range())
            };
            let small = |id: u64| u32::try_from(id).map_err(|_| tx::corrupt("identifier of a department or tag"));
            let prefix = key::departments(tenant);
            let mut departments = Vec::new();
            for pair in t.get_range_all(all(&prefix)).await? {
                let id = DepartmentId(small(last_int(&prefix, &pair.key)?)?);
                departments.push(department::decode(tenant, id, &pair.value)?);
            }
            let prefix = key::tags(tenant);
            let mut tags = Vec::new();
            for pair in t.get_range_all(all(&prefix)).await? {
                let id = TagId(small(last_int(&prefix, &pair.key)?)?);
                tags.push(tag::decode(tenant, id, &pair.value)?);
            }
            Ok((departments, tags))
        })
        .await
    }
}

impl crate::lookup::Lookup<'_> {
    /// Accounts of a tenant, all read at once; those that are gone are left out.
    pub(crate) async fn accounts_of(&mut self, tenant: TenantId, ids: &[AccountId]) -> Result<Vec<Arc<AccountRecord>>> {
        let mut missing = Vec::new();
        for id in ids {
            if self.cache.get(|tables| tables.accounts.get(id)).is_none() {
                missing.push(*id);
            }
        }
        let reading = &mut self.reading().1;
        for id in &missing {
            reading.look_ahead_snapshot(&key::account_tenant(*id));
            reading.look_ahead_snapshot(&key::account(tenant, *id));
        }
        let mut accounts = Vec::with_capacity(ids.len());
        for id in ids {
            accounts.extend(self.account(*id).await?);
        }
        Ok(accounts)
    }
}

#[cfg(test)]
#[path = "organisation_test.rs"]
mod tests;
