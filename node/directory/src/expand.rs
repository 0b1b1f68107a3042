//! Groups into recipients: nested groups, departments and tags followed, loops broken, everyone once; and who may write.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_types::{AccountId, Address, TenantId};

use crate::lookup::Lookup;
use crate::record::target::Target;
use crate::record::{group, read_address};
use crate::resolution::Posters;
use crate::tree::{self, Tree};
use crate::{
    AccountKind, AccountRecord, GroupId, GroupRecord, GroupTargets, Posting, Resolution, Result, TenantState, Via, key,
};

/// Everyone found so far, in the order of identifiers and addresses.
#[derive(Default)]
struct Found {
    accounts: BTreeMap<AccountId, Arc<AccountRecord>>,
    remote: BTreeMap<String, Address>,
}

impl Found {
    fn len(&self) -> usize {
        self.accounts.len() + self.remote.len()
    }
}

impl Lookup<'_> {
    /// Who gets mail for a group of a tenant.
    pub(crate) async fn group(&mut self, tenant: TenantId, id: GroupId, recipients_max: usize) -> Result<Resolution> {
        if let Some(hit) = self.cache.get(|tables| tables.groups.get(&id)) {
            return Ok(hit);
        }
        let generation = self.reading().0;
        let resolution = self.expand(tenant, id, recipients_max).await?;
        self.cache
            .put(generation, |tables| tables.groups.insert(id, resolution.clone()));
        Ok(resolution)
    }

    async fn expand(&mut self, tenant: TenantId, id: GroupId, recipients_max: usize) -> Result<Resolution> {
        let Some(root) = self.group_record(tenant, id).await? else {
            return Ok(Resolution::NoSuchUser);
        };
        if self
            .tenant(tenant)
            .await?
            .is_none_or(|tenant| tenant.state != TenantState::Active)
        {
            return Ok(Resolution::Suspended);
        }
        let mut tree = None;
        let mut found = Found::default();
        if !self.collect(&root, &mut tree, &mut found, recipients_max).await? {
            return Ok(Resolution::GroupTooLarge(id));
        }
        if found.len() == 0 {
            return Ok(Resolution::GroupEmpty(id));
        }
        let posters = self.posters(&root, &found, &mut tree, recipients_max).await?;
        let mut owner = None;
        for id in root.owner.iter().chain(&root.representatives) {
            owner = self.working(*id).await?;
            if owner.is_some() {
                break;
            }
        }
        Ok(Resolution::Group(Arc::new(GroupTargets {
            id,
            tenant,
            address: root.address,
            display_name: root.display_name,
            accounts: found.accounts.into_values().collect(),
            remote: found.remote.into_values().collect(),
            posting: root.posting,
            posters,
            owner,
        })))
    }

    async fn group_record(&mut self, tenant: TenantId, id: GroupId) -> Result<Option<GroupRecord>> {
        let (_, stored) = self.value(key::group(tenant, id)).await?;
        Ok(stored.map(|stored| group::decode(tenant, id, &stored)).transpose()?)
    }

    /// Adds everyone in a group to what was found; `false` when that is too many.
    async fn collect(
        &mut self,
        root: &GroupRecord,
        tree: &mut Option<Tree>,
        found: &mut Found,
        recipients_max: usize,
    ) -> Result<bool> {
        // A group seen is not followed again: this breaks loops.
        let mut seen = BTreeSet::from([root.id]);
        let mut waiting = VecDeque::from([root.clone()]);
        while let Some(next) = waiting.pop_front() {
            for member in self.members(next.id).await? {
                if let Some((tenant, nested)) = self.take_member(&member, found).await?
                    && seen.insert(nested)
                {
                    waiting.extend(self.group_record(tenant, nested).await?);
                }
                if found.len() > recipients_max {
                    return Ok(false);
                }
            }
            self.take_placed(&next, tree, found, recipients_max).await?;
            if found.len() > recipients_max {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds a member to what was found, or answers the group it is.
    async fn take_member(&mut self, member: &Address, found: &mut Found) -> Result<Option<(TenantId, GroupId)>> {
        let Some(domain) = self.mail_domain(&member.domain).await? else {
            found.remote.insert(member.key(), member.clone());
            return Ok(None);
        };
        let account = match self.target_of(member).await? {
            Some((Target::Group { tenant, group }, _)) => return Ok(Some((tenant, group))),
            Some((Target::Account { account, .. }, _)) => Some(account),
            None => domain.catch_all,
        };
        if let Some(account) = account {
            self.take_account(account, found).await?;
        }
        Ok(None)
    }

    /// Adds those whom a group has by department and tag.
    async fn take_placed(
        &mut self,
        group: &GroupRecord,
        tree: &mut Option<Tree>,
        found: &mut Found,
        recipients_max: usize,
    ) -> Result<()> {
        let departments: Vec<_> = group.all_departments().collect();
        if departments.is_empty() && group.member_tags.is_empty() {
            return Ok(());
        }
        let (reading, tags) = (&mut self.reading().1, &group.member_tags);
        let ids = tree::accounts_in(reading, group.tenant, tree, &departments, tags).await?;
        // One more tells that they are too many.
        let ids: Vec<AccountId> = ids.into_iter().take(recipients_max.saturating_add(1)).collect();
        for account in self.accounts_of(group.tenant, &ids).await? {
            // A mailbox that several people use belongs to no department, and is no member of the organisation.
            if account.kind == AccountKind::Member {
                self.take_account(account.id, found).await?;
            }
        }
        Ok(())
    }

    async fn take_account(&mut self, account: AccountId, found: &mut Found) -> Result<()> {
        if let Resolution::Account(recipient) = self.recipient(account, None, Via::Address).await? {
            found.accounts.insert(account, recipient.account);
        }
        Ok(())
    }

    /// An account that gets mail.
    async fn working(&mut self, id: AccountId) -> Result<Option<Arc<AccountRecord>>> {
        Ok(match self.recipient(id, None, Via::Address).await? {
            Resolution::Account(recipient) => Some(recipient.account),
            _ => None,
        })
    }

    /// Who may write to a group, where that is not everyone.
    async fn posters(
        &mut self,
        group: &GroupRecord,
        members: &Found,
        tree: &mut Option<Tree>,
        recipients_max: usize,
    ) -> Result<Posters> {
        let mut posters = Posters::default();
        match group.posting {
            Posting::Unset | Posting::Anyone | Posting::Organisation => {}
            Posting::Members => posters.add(group.tenant, members.accounts.values(), members.remote.keys()),
            Posting::Custom => {
                let mut found = Found::default();
                for address in &group.posters.addresses {
                    if let Some((tenant, nested)) = self.take_member(address, &mut found).await?
                        && let Some(nested) = self.group_record(tenant, nested).await?
                    {
                        self.collect(&nested, tree, &mut found, recipients_max).await?;
                    }
                }
                let named = GroupRecord {
                    department: None,
                    member_departments: group.posters.departments.clone(),
                    member_tags: group.posters.tags.clone(),
                    ..group.clone()
                };
                self.take_placed(&named, tree, &mut found, usize::MAX).await?;
                posters.add(group.tenant, found.accounts.values(), found.remote.keys());
            }
        }
        for id in &group.representatives {
            posters.accounts.insert(*id);
        }
        Ok(posters)
    }

    async fn members(&mut self, id: GroupId) -> Result<Vec<Address>> {
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(key::members(id).range())
        };
        let (_, pairs) = self
            .read(async move |reading| Ok(reading.get_range_all(query.clone()).await?))
            .await?;
        let read = |value: &[u8]| read_address(&String::from_utf8_lossy(value));
        Ok(pairs.iter().map(|pair| read(&pair.value)).collect::<Result<_, _>>()?)
    }
}
