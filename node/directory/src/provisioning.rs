//! What an outside directory needs (ORG-14): several changes of one member or group in one transaction, and look-ups by the
//! names that it has for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hongyan_kv::{RangeQuery, Transaction};
use hongyan_notice::Notice;
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

use crate::transaction::{self as tx, Page};
use crate::{
    AccountChange, AccountRecord, Change, Credential, DepartmentId, Directory, DirectoryOptions, Error, Field,
    GroupChange, GroupId, GroupRecord, MemberQuery, NewAccount, NewDepartment, Result, key, naming,
};

/// What is to become of a member, at once.
#[derive(Debug, Clone, Default)]
pub struct Provision {
    /// Of its record; its departments are said below.
    pub change: AccountChange,
    /// The names of its main department from above: those that are missing are made. None is none.
    pub department: Field<Vec<String>>,
    /// All its aliases.
    pub aliases: Field<Vec<Address>>,
    /// Its password's hashes.
    pub credential: Option<Credential>,
}

/// What is to become of a group, at once.
#[derive(Debug, Clone, Default)]
pub struct GroupProvision {
    /// Of its record.
    pub change: Option<GroupChange>,
    /// All its members by address as they were when the change was thought of.
    pub present: Vec<Address>,
    /// Who joins them.
    pub added: Vec<Address>,
    /// Who leaves them.
    pub gone: Vec<Address>,
}

async fn put_aliases(
    change: &mut Change,
    account: &AccountRecord,
    aliases: &[Address],
    (options, now): (&DirectoryOptions, Timestamp),
) -> Result<()> {
    let is_among = |address: &Address, all: &[Address]| all.iter().any(|other| other.key() == address.key());
    for gone in account.aliases.iter().filter(|alias| !is_among(alias, aliases)) {
        tx::remove_alias::run(change, account.id, gone).await?;
    }
    for added in aliases.iter().filter(|alias| !is_among(alias, &account.aliases)) {
        tx::add_alias::run(change, account.id, added, options, now).await?;
    }
    Ok(())
}

async fn find_path(transaction: &mut Transaction, tenant: TenantId, path: &[String]) -> Result<(DepartmentId, usize)> {
    let mut at = DepartmentId::ROOT;
    for (depth, name) in path.iter().enumerate() {
        let key = key::department_names(tenant, at).string(&tx::folded_name(name)).pack();
        let Some(stored) = transaction.get(&key).await? else {
            return Ok((at, depth));
        };
        let id = u32::try_from(tx::read_int(&stored)?).map_err(|_| tx::corrupt("identifier of a department"))?;
        at = DepartmentId(id);
    }
    Ok((at, path.len()))
}

/// The department of a path; those that are missing are made.
async fn make_path(
    change: &mut Change,
    tenant: TenantId,
    path: &[String],
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<Option<DepartmentId>> {
    let (mut at, depth) = find_path(change, tenant, path).await?;
    for name in path.iter().skip(depth) {
        let new = NewDepartment {
            name: name.clone(),
            parent: at,
            rank: 0,
        };
        at = tx::create_department::run(change, tenant, &new, options, now).await?.id;
    }
    Ok((at != DepartmentId::ROOT).then_some(at))
}

async fn create(
    change: &mut Change,
    new: &NewAccount,
    department: &[String],
    aliases: &[Address],
    (options, now): (&DirectoryOptions, Timestamp),
) -> Result<AccountRecord> {
    let tenant = tx::domain_of(change, &new.address).await?.tenant;
    let mut new = new.clone();
    new.departments
        .extend(make_path(change, tenant, department, options, now).await?);
    let account = tx::create_account::run(change, &new, options, now).await?;
    put_aliases(change, &account, aliases, (options, now)).await?;
    let with_aliases = tx::read_account(change, account.id).await?;
    Ok(with_aliases.unwrap_or(account))
}

async fn alter(
    change: &mut Change,
    id: AccountId,
    wanted: &Provision,
    withdrawn: &Notice,
    (options, now): (&DirectoryOptions, Timestamp),
) -> Result<()> {
    let account = tx::read_account(change, id).await?;
    let account = account.ok_or_else(|| Error::not_found("account", id.0))?;
    crate::etag::check(wanted.change.expect, account.etag(), "member", &account.address)?;
    let mut altered = wanted.change.clone();
    if let Field::Set(path) = &wanted.department {
        let mut departments: Vec<DepartmentId> = account.departments.iter().skip(1).copied().collect();
        if let Some(id) = make_path(change, account.tenant, path, options, now).await? {
            departments.retain(|other| *other != id);
            departments.insert(0, id);
        }
        altered.departments = Field::Set(departments);
    }
    tx::change_account::run(change, id, &altered, Some(withdrawn), options, now).await?;
    if let Field::Set(aliases) = &wanted.aliases {
        put_aliases(change, &account, aliases, (options, now)).await?;
    }
    if let Some(credential) = &wanted.credential {
        tx::set_credential::run(change, id, credential).await?;
    }
    Ok(())
}

async fn read_members(transaction: &mut Transaction, id: GroupId) -> Result<Vec<Address>> {
    let mut members = Vec::new();
    for pair in transaction
        .get_range_all(RangeQuery::all(key::members(id).range()))
        .await?
    {
        members.push(crate::record::read_address(&String::from_utf8_lossy(&pair.value))?);
    }
    Ok(members)
}

async fn alter_group(
    change: &mut Change,
    (id, address): (GroupId, &Address),
    wanted: &GroupProvision,
    options: &DirectoryOptions,
) -> Result<()> {
    if read_members(change, id).await? != wanted.present {
        return Err(Error::Changed {
            what: "group",
            name: address.to_string(),
        });
    }
    if let Some(altered) = &wanted.change {
        tx::change_group::run(change, address, altered, options).await?;
    }
    for member in &wanted.gone {
        tx::remove_member::run(change, address, member).await?;
    }
    tx::add_member::run_all(change, address, &wanted.added, options).await
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Makes a member in the department of that path, with aliases; as [`Self::create_account`] and what making departments
    /// and adding aliases is refused for.
    pub async fn create_provisioned(
        &self,
        new: &NewAccount,
        department: &[String],
        aliases: &[Address],
    ) -> Result<AccountRecord> {
        let (new, department, aliases) = (new.clone(), department.to_owned(), aliases.to_owned());
        let (this, now) = (self.clone(), self.now());
        self.change(async move |t| create(t, &new, &department, &aliases, (this.options(), now)).await)
            .await
    }
    /// Changes a member in all that is wanted, or in nothing; as [`Self::change_account`] and what making departments and
    /// adding aliases is refused for.
    pub async fn provision(&self, id: AccountId, wanted: &Provision) -> Result<()> {
        let (wanted, this, now) = (wanted.clone(), self.clone(), self.now());
        let withdrawn = self.seat_notice(id);
        self.change(async move |t| alter(t, id, &wanted, &withdrawn, (this.options(), now)).await)
            .await
    }
    /// Makes a member as [`Self::create_provisioned`] would, and forgets that it did.
    pub async fn try_create_provisioned(
        &self,
        new: &NewAccount,
        department: &[String],
        aliases: &[Address],
    ) -> Result<()> {
        let with = (self.options(), self.now());
        self.try_out(async |change| create(change, new, department, aliases, with).await.map(drop))
            .await
    }
    /// Changes a member as [`Self::provision`] would, and forgets that it did.
    pub async fn try_provision(&self, id: AccountId, wanted: &Provision) -> Result<()> {
        let with = (self.options(), self.now());
        let withdrawn = self.seat_notice(id);
        self.try_out(async |change| alter(change, id, wanted, &withdrawn, with).await)
            .await
    }
    /// Changes a group and who its members are, or nothing; as [`Self::change_group`], and `Changed` when others are its
    /// members by now.
    pub async fn provision_group(&self, id: GroupId, address: &Address, wanted: &GroupProvision) -> Result<()> {
        let (wanted, this, address) = (wanted.clone(), self.clone(), address.clone());
        self.change(async move |t| alter_group(t, (id, &address), &wanted, this.options()).await)
            .await
    }
    /// The department of that path, and how many of its names there are: where not all, it is what those lead to.
    pub async fn department_at(&self, tenant: TenantId, path: &[String]) -> Result<(DepartmentId, usize)> {
        let path = path.to_owned();
        self.read(async move |t: &mut Transaction| find_path(t, tenant, &path).await)
            .await
    }
    /// A group, and all its members by address as they were at the same moment.
    pub async fn group_with_members(
        &self,
        tenant: TenantId,
        id: GroupId,
    ) -> Result<Option<(GroupRecord, Vec<Address>)>> {
        self.read(async move |t: &mut Transaction| {
            let Some(group) = tx::read_group(t, tenant, id).await? else {
                return Ok(None);
            };
            Ok(Some((group, read_members(t, id).await?)))
        })
        .await
    }

    /// The group of a tenant with that identifier.
    pub async fn group(&self, tenant: TenantId, id: GroupId) -> Result<Option<GroupRecord>> {
        self.read(async move |t: &mut Transaction| tx::read_group(t, tenant, id).await)
            .await
    }
    /// The groups of a tenant that have one of these addresses as a member.
    pub async fn groups_of(&self, tenant: TenantId, addresses: &[Address]) -> Result<Vec<GroupRecord>> {
        let one = [addresses.to_owned()];
        Ok(self.groups_of_each(tenant, &one).await?.pop().unwrap_or_default())
    }
    /// As [`Self::groups_of`] of each of several, read together.
    pub async fn groups_of_each(&self, tenant: TenantId, members: &[Vec<Address>]) -> Result<Vec<Vec<GroupRecord>>> {
        let members = members.to_owned();
        self.read(async move |t: &mut Transaction| {
            for address in members.iter().flatten() {
                t.look_ahead_range(&RangeQuery::all(naming::groups_of(address).range()));
            }
            let mut of_each = Vec::with_capacity(members.len());
            for addresses in &members {
                let mut ids = BTreeSet::new();
                for address in addresses {
                    let prefix = naming::groups_of(address);
                    for pair in t.get_range_all(RangeQuery::all(prefix.range())).await? {
                        ids.insert(tx::last_int(&prefix, &pair.key)?);
                    }
                }
                of_each.push(ids);
            }
            let named: BTreeSet<u64> = of_each.iter().flatten().copied().collect();
            for id in &named {
                t.look_ahead(&key::group(tenant, GroupId(*id)));
            }
            let mut groups = BTreeMap::new();
            for id in named {
                let group = tx::read_group(t, tenant, GroupId(id)).await?;
                groups.extend(group.map(|group| (id, group)));
            }
            let records = |ids: BTreeSet<u64>| ids.iter().filter_map(|id| groups.get(id).cloned()).collect();
            Ok(of_each.into_iter().map(records).collect())
        })
        .await
    }
    /// The account that an outside directory calls so.
    pub async fn account_called(&self, tenant: TenantId, external_id: &str) -> Result<Option<AccountId>> {
        let id = self.led_to("external-id", tenant, external_id).await?;
        Ok(id.map(AccountId))
    }
    /// The group that an outside directory calls so.
    pub async fn group_called(&self, tenant: TenantId, external_id: &str) -> Result<Option<GroupId>> {
        let id = self.led_to("group-external-id", tenant, external_id).await?;
        Ok(id.map(GroupId))
    }
    async fn led_to(&self, kind: &'static str, tenant: TenantId, value: &str) -> Result<Option<u64>> {
        let key = key::unique(kind, tenant, value);
        self.read(async move |t: &mut Transaction| {
            let stored = t.get_snapshot(&key).await?;
            Ok(stored.map(|stored| tx::read_int(&stored)).transpose()?)
        })
        .await
    }
    /// Who `query` takes, by identifier.
    pub async fn member_ids(&self, tenant: TenantId, query: &MemberQuery) -> Result<Vec<AccountId>> {
        Ok(self.member_ids_between(tenant, query, 0, usize::MAX).await?.0)
    }
    /// Who `query` takes, by identifier: `take` of them after the first `skip`, and how many there are in all.
    pub async fn member_ids_between(
        &self,
        tenant: TenantId,
        query: &MemberQuery,
        skip: usize,
        take: usize,
    ) -> Result<(Vec<AccountId>, usize)> {
        self.index()
            .look(self, tenant, |index| index.find_by_id(query, skip, take))
            .await
    }
    /// Accounts of a tenant; those that are gone are left out.
    pub async fn accounts_with(&self, tenant: TenantId, ids: &[AccountId]) -> Result<Vec<Arc<AccountRecord>>> {
        let mut accounts = self.lookup().accounts_of(tenant, ids).await?;
        accounts.retain(|account| account.tenant == tenant);
        Ok(accounts)
    }
    /// All groups of a tenant, page by page.
    pub async fn all_groups(&self, tenant: TenantId) -> Result<Vec<GroupRecord>> {
        const STEP: usize = 1_000;
        let mut groups: Vec<GroupRecord> = Vec::new();
        loop {
            let page = Page {
                after: groups.last().map(|group| group.id),
                limit: STEP,
            };
            let next = self
                .read(async move |t| tx::list::groups(t, tenant, page).await)
                .await?;
            let is_last = next.len() < STEP;
            groups.extend(next);
            if is_last {
                return Ok(groups);
            }
        }
    }
}
