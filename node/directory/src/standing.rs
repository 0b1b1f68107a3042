//! What is open to an account beside its own mailbox: shared mailboxes that it uses, mailboxes of those it acts for, groups
//! that it represents (GRP-6, SBX-4, DLG-1).

use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_types::{AccountId, Address, TenantId, Timestamp};

use crate::lookup::Lookup;
use crate::naming::Naming;
use crate::record::{grant, group};
use crate::transaction::{self, last_int};
use crate::tree::Tree;
use crate::{
    AccountKind, AccountRecord, AccountState, DepartmentId, Directory, DomainRecord, Feature, FolderShare, GrantRecord,
    GrantRights, Grantee, GroupId, Posting, Resolution, Result, Sending, Sharee, key,
};

/// A mailbox that is open to someone whose it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Whose it is.
    pub account: Arc<AccountRecord>,
    /// What may be done with it.
    pub rights: GrantRights,
}

/// A group that someone sends in the name of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSender {
    /// The group's address.
    pub address: Address,
    /// Its name, for people.
    pub display_name: String,
}

/// All that is open to an account, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    groups: Vec<GroupSender>,
    /// Each grant with the account that granted.
    grants: Vec<(Arc<AccountRecord>, GrantRecord)>,
    /// Each single folder that is shared with it or with a group that it is in, with the account that shares.
    folders: Vec<(Arc<AccountRecord>, FolderShare)>,
    /// Domains of its tenant that are other names, or on their way out.
    domains: Vec<Arc<DomainRecord>>,
}

/// As whom an account may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderRights {
    account: Arc<AccountRecord>,
    groups: Vec<GroupSender>,
    openings: Vec<Opening>,
    domains: Vec<Arc<DomainRecord>>,
}

impl SenderRights {
    /// The account itself.
    #[must_use]
    pub fn account(&self) -> &Arc<AccountRecord> {
        &self.account
    }
    /// The groups in whose name it may send.
    #[must_use]
    pub fn groups(&self) -> &[GroupSender] {
        &self.groups
    }
    /// The mailboxes for which it may send.
    #[must_use]
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }
    /// Whether and how it may send with `address`.
    #[must_use]
    pub fn sending(&self, address: &Address) -> Sending {
        if let Some(domain) = self.domains.iter().find(|known| known.domain == address.domain) {
            if domain.removal.is_some() {
                return Sending::No;
            }
            if let Some(other) = domain.elsewhere() {
                let other = Address::new(address.local.clone(), other.clone());
                return self.sending_as_written(&other).max(self.sending_as_written(address));
            }
        }
        self.sending_as_written(address)
    }
    /// The address under the names that its domain also goes by (DOM-9): mail for them is its mail.
    pub fn other_names<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = Address> + 'a {
        let is_other =
            |known: &&Arc<DomainRecord>| known.alias_of.as_ref() == Some(&address.domain) && known.removal.is_none();
        let domains = self.domains.iter().filter(is_other);
        domains.map(|known| Address::new(address.local.clone(), known.domain.clone()))
    }
    /// The address in the domain that its own is another name of; the same, where it is none.
    #[must_use]
    pub fn main_name(&self, address: &Address) -> Address {
        let known = self.domains.iter().find(|known| known.domain == address.domain);
        let main = known.and_then(|domain| domain.elsewhere());
        Address::new(address.local.clone(), main.unwrap_or(&address.domain).clone())
    }
    fn sending_as_written(&self, address: &Address) -> Sending {
        if self.account.owns(address) {
            return Sending::As;
        }
        let key = address.key();
        if self.groups.iter().any(|group| group.address.key() == key) {
            return Sending::As;
        }
        self.opening_at(address)
            .map_or(Sending::No, |opening| opening.rights.send)
    }
    /// The mailbox not its own whose address it is: what is sent so is kept there.
    #[must_use]
    pub fn opening(&self, address: &Address) -> Option<&Opening> {
        let special = self.domains.iter().find(|known| known.domain == address.domain);
        let other = special.and_then(|domain| domain.elsewhere());
        let other = other.map(|other| Address::new(address.local.clone(), other.clone()));
        self.opening_at(address).or_else(|| self.opening_at(other.as_ref()?))
    }
    fn opening_at(&self, address: &Address) -> Option<&Opening> {
        self.openings.iter().find(|opening| opening.account.owns(address))
    }
}

impl Directory {
    /// As whom an account may send now; a session may have read it long ago.
    ///
    /// # Errors
    /// The store's only.
    pub async fn sender_rights(&self, account: &Arc<AccountRecord>) -> Result<SenderRights> {
        let mut lookup = self.lookup();
        let now = lookup.account(account.id).await?;
        let account = now.as_ref().unwrap_or(account);
        let standing = lookup.standing(account, self.options().group_expansion_max).await?;
        let openings = self.openings(account, &standing).await?.into_iter();
        Ok(SenderRights {
            account: Arc::clone(account),
            groups: standing.groups.clone(),
            openings: openings.filter(|opening| opening.rights.send > Sending::No).collect(),
            domains: standing.domains.clone(),
        })
    }

    /// The mailboxes that an account may look into now, beside its own.
    ///
    /// # Errors
    /// The store's only.
    pub async fn accounts_open_to(&self, account: &AccountRecord) -> Result<Vec<Opening>> {
        let standing = self.standing(account).await?;
        let openings = self.openings(account, &standing).await?.into_iter();
        Ok(openings.filter(|opening| opening.rights.read).collect())
    }

    /// The single folders that are shared with an account, each with whose it is.
    pub(crate) async fn shared_folders(
        &self,
        account: &AccountRecord,
    ) -> Result<Vec<(Arc<AccountRecord>, FolderShare)>> {
        Ok(self.standing(account).await?.folders.clone())
    }

    async fn standing(&self, account: &AccountRecord) -> Result<Arc<Standing>> {
        let recipients_max = self.options().group_expansion_max;
        self.lookup().standing(account, recipients_max).await
    }

    /// What an account may do now with the mailbox of `other`; nothing, when it is not open to it.
    ///
    /// # Errors
    /// The store's only.
    pub async fn opening(&self, account: &AccountRecord, other: AccountId) -> Result<Option<Opening>> {
        let standing = self.standing(account).await?;
        let mut openings = self.openings(account, &standing).await?.into_iter();
        Ok(openings.find(|opening| opening.account.id == other && opening.rights.read))
    }

    /// What is open now. Nobody acts for a member while the plan includes no secretaries (DLG-1).
    async fn openings(&self, account: &AccountRecord, standing: &Standing) -> Result<Vec<Opening>> {
        let now = self.now();
        let of_member = |opening: &Opening| opening.account.kind == AccountKind::Member;
        let mut openings: Vec<Opening> = standing.openings(now).collect();
        if openings.iter().any(of_member) {
            let tenant = account.tenant;
            let bounds = self
                .read(async move |t| transaction::plan::bounds(t, tenant, now).await)
                .await?;
            if bounds.need(Feature::Secretary).is_err() {
                openings.retain(|opening| !of_member(opening));
            }
        }
        Ok(openings)
    }
}

impl Standing {
    /// What is open at `now`, each mailbox once, in the order of their addresses.
    fn openings(&self, now: Timestamp) -> impl Iterator<Item = Opening> {
        let mut openings: Vec<Opening> = Vec::new();
        for (account, grant) in self.grants.iter().filter(|(_, grant)| grant.holds(now)) {
            match openings.iter_mut().find(|opening| opening.account.id == account.id) {
                Some(known) => known.rights = known.rights.or(grant.rights),
                None => openings.push(Opening {
                    account: Arc::clone(account),
                    rights: grant.rights,
                }),
            }
        }
        openings.sort_by_key(|opening| opening.account.address.key());
        openings.into_iter()
    }
}

impl Lookup<'_> {
    async fn standing(&mut self, account: &AccountRecord, recipients_max: usize) -> Result<Arc<Standing>> {
        if let Some(hit) = self.cache.get(|tables| tables.standings.get(&account.id)) {
            return Ok(hit);
        }
        let generation = self.reading().0;
        let standing = Arc::new(match account.kind {
            // It is used by others, and uses nothing itself.
            AccountKind::Shared => Standing {
                domains: self.special_domains(account).await?,
                ..Standing::default()
            },
            AccountKind::Member => Standing {
                groups: self.groups_represented(account).await?,
                grants: self.grants_to(account).await?,
                folders: self.folders_shared_with(account, recipients_max).await?,
                domains: self.special_domains(account).await?,
            },
        });
        self.cache.put(generation, |tables| {
            tables.standings.insert(account.id, Arc::clone(&standing))
        });
        Ok(standing)
    }

    async fn special_domains(&mut self, account: &AccountRecord) -> Result<Vec<Arc<DomainRecord>>> {
        let prefix = key::special_domains(account.tenant);
        let mut domains = Vec::new();
        for pair in self.reading().1.get_range_all(snapshot(&prefix)).await? {
            let name = crate::transaction::list::domain_of_key(&prefix, &pair.key)?;
            domains.extend(self.domain(&name).await?);
        }
        Ok(domains)
    }

    async fn groups_represented(&mut self, account: &AccountRecord) -> Result<Vec<GroupSender>> {
        let prefix = Naming::Representative(account.id.0).groups(account.tenant);
        let reading = &mut self.reading().1;
        let mut groups = Vec::new();
        for pair in reading.get_range_all(snapshot(&prefix)).await? {
            let id = GroupId(last_int(&prefix, &pair.key)?);
            let Some(stored) = reading.get_snapshot(&key::group(account.tenant, id)).await? else {
                continue;
            };
            let group = group::decode(account.tenant, id, &stored)?;
            if group.posting != Posting::Unset {
                groups.push(GroupSender {
                    address: group.address,
                    display_name: group.display_name,
                });
            }
        }
        Ok(groups)
    }

    async fn folders_shared_with(
        &mut self,
        account: &AccountRecord,
        recipients_max: usize,
    ) -> Result<Vec<(Arc<AccountRecord>, FolderShare)>> {
        let (tenant, mode) = (account.tenant, ReadMode::Snapshot);
        let reading = &mut self.reading().1;
        let mut shares = transaction::folder_share::with(reading, tenant, account.id.into(), mode).await?;
        for group in transaction::folder_share::groups(reading, tenant, mode).await? {
            if self.is_in(tenant, group, account.id, recipients_max).await? {
                let reading = &mut self.reading().1;
                let with_it = transaction::folder_share::with(reading, tenant, Sharee::Group(group), mode).await?;
                // Whose they are has them anyway.
                shares.extend(with_it.into_iter().filter(|share| share.account != account.id));
            }
        }
        let mut found = Vec::new();
        for share in shares {
            // What is switched off is open to nobody.
            if let Some(owner) = self.account(share.account).await?
                && owner.state == AccountState::Active
            {
                found.push((owner, share));
            }
        }
        Ok(found)
    }

    /// Whether mail for a group comes to an account.
    async fn is_in(
        &mut self,
        tenant: TenantId,
        group: GroupId,
        account: AccountId,
        recipients_max: usize,
    ) -> Result<bool> {
        Ok(match self.group(tenant, group, recipients_max).await? {
            Resolution::Group(targets) => targets.accounts.iter().any(|member| member.id == account),
            _ => false,
        })
    }

    async fn grants_to(&mut self, account: &AccountRecord) -> Result<Vec<(Arc<AccountRecord>, GrantRecord)>> {
        let mut found = Vec::new();
        let mut departments: Vec<DepartmentId> = Vec::new();
        if !account.departments.is_empty() {
            let tree = Tree::read(&mut self.reading().1, account.tenant).await?;
            departments.extend(account.departments.iter().flat_map(|id| tree.path(*id)));
        }
        let grantees = departments.into_iter().map(Grantee::Department);
        for to in std::iter::once(Grantee::Account(account.id)).chain(grantees) {
            let prefix = key::granted(account.tenant, to);
            for pair in self.reading().1.get_range_all(snapshot(&prefix)).await? {
                let id = AccountId(last_int(&prefix, &pair.key)?);
                let Some(stored) = self.reading().1.get_snapshot(&key::grant(id, to)).await? else {
                    continue;
                };
                let grant = grant::decode(id, to, &stored)?;
                // What is switched off is open to nobody.
                if let Some(owner) = self.account(id).await?
                    && owner.state == AccountState::Active
                {
                    found.push((owner, grant));
                }
            }
        }
        Ok(found)
    }
}

fn snapshot(prefix: &hongyan_kv::tuple::Tuple) -> RangeQuery {
    RangeQuery {
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(prefix.range())
    }
}
