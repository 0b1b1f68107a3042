//! Groups into recipients: nested groups followed, loops broken, everyone once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_types::{AccountId, Address, TenantId};

use crate::lookup::Lookup;
use crate::record::target::Target;
use crate::record::{group, read_address};
use crate::{AccountRecord, GroupId, GroupTargets, Resolution, Result, TenantState, Via, key};

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
        let (_, Some(stored)) = self.value(key::group(tenant, id)).await? else {
            return Ok(Resolution::NoSuchUser);
        };
        let root = group::decode(tenant, id, &stored)?;
        if self
            .tenant(tenant)
            .await?
            .is_none_or(|tenant| tenant.state != TenantState::Active)
        {
            return Ok(Resolution::Suspended);
        }
        let mut found = Found::default();
        // A group seen is not followed again: this breaks loops.
        let mut seen = BTreeSet::from([id]);
        let mut waiting = VecDeque::from([id]);
        while let Some(next) = waiting.pop_front() {
            for member in self.members(next).await? {
                if let Some(nested) = self.take_member(&member, &mut found).await?
                    && seen.insert(nested)
                {
                    waiting.push_back(nested);
                }
                if found.len() > recipients_max {
                    return Ok(Resolution::GroupTooLarge(id));
                }
            }
        }
        if found.len() == 0 {
            return Ok(Resolution::NoSuchUser);
        }
        Ok(Resolution::Group(Arc::new(GroupTargets {
            id,
            tenant,
            address: root.address,
            accounts: found.accounts.into_values().collect(),
            remote: found.remote.into_values().collect(),
        })))
    }

    /// Adds a member to what was found, or answers the group it is.
    async fn take_member(&mut self, member: &Address, found: &mut Found) -> Result<Option<GroupId>> {
        let Some(domain) = self.domain(&member.domain).await? else {
            found.remote.insert(member.key(), member.clone());
            return Ok(None);
        };
        let account = match self.target_of(member).await? {
            Some((Target::Group { group, .. }, _)) => return Ok(Some(group)),
            Some((Target::Account { account, .. }, _)) => Some(account),
            None => domain.catch_all,
        };
        if let Some(account) = account
            && let Resolution::Account(recipient) = self.recipient(account, None, Via::Address).await?
        {
            found.accounts.insert(account, recipient.account);
        }
        Ok(None)
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
