//! One look-up: reads through the cache, in one transaction that begins at the first miss, and again when it got too old: each
//! record stands for itself.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::{Database, RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, Address, Domain, TenantId};

use crate::cache::Cache;
use crate::record::target::Target;
use crate::record::{account, credential, domain, factors, sign_in_policy, target, tenant};
use crate::tree::Tree;
use crate::{
    AccountRecord, AccountState, Credential, DomainRecord, Error, Factors, Login, Recipient, Resolution, Result,
    SignInPolicy, TenantRecord, TenantState, Via, key, transaction,
};

/// What a look-up needs of the directory, and its transaction.
pub(crate) struct Lookup<'d> {
    pub(crate) cache: &'d Cache,
    database: &'d Database,
    /// The cache's generation before the transaction began, and the transaction.
    reading: Option<(u64, Transaction)>,
}

/// How often a read is tried.
const ATTEMPTS_MAX: usize = 5;

impl<'d> Lookup<'d> {
    pub(crate) fn new(cache: &'d Cache, database: &'d Database) -> Self {
        Self {
            cache,
            database,
            reading: None,
        }
    }
    pub(crate) fn reading(&mut self) -> &mut (u64, Transaction) {
        self.reading
            .get_or_insert_with(|| (self.cache.generation(), self.database.begin()))
    }
    /// What `body` reads of the store, and the cache's generation before that.
    pub(crate) async fn read<T>(
        &mut self,
        mut body: impl AsyncFnMut(&mut Transaction) -> Result<T>,
    ) -> Result<(u64, T)> {
        let mut attempt = 1;
        loop {
            let (generation, reading) = self.reading();
            match body(reading).await {
                Err(Error::Storage(error)) if error.is_retryable() && attempt < ATTEMPTS_MAX => self.reading = None,
                read => return Ok((*generation, read?)),
            }
            attempt += 1;
        }
    }
    /// The value of one key, and the cache's generation before that.
    pub(crate) async fn value(&mut self, key: Bytes) -> Result<(u64, Option<Bytes>)> {
        self.read(async move |reading| Ok(reading.get_snapshot(&key).await?))
            .await
    }

    pub(crate) async fn tenant(&mut self, id: TenantId) -> Result<Option<Arc<TenantRecord>>> {
        if let Some(hit) = self.cache.get(|tables| tables.tenants.get(&id)) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::tenant(id)).await?;
        let found = stored
            .map(|stored| tenant::decode(id, &stored))
            .transpose()?
            .map(Arc::new);
        self.cache
            .put(generation, |tables| tables.tenants.insert(id, found.clone()));
        Ok(found)
    }

    pub(crate) async fn domain(&mut self, name: &Domain) -> Result<Option<Arc<DomainRecord>>> {
        if let Some(hit) = self.cache.get(|tables| tables.domains.get(name)) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::domain(name)).await?;
        let found = stored
            .map(|stored| domain::decode(name.clone(), &stored))
            .transpose()?
            .map(Arc::new);
        self.cache
            .put(generation, |tables| tables.domains.insert(name.clone(), found.clone()));
        Ok(found)
    }

    /// What exactly this address leads to by any name of its domain, details and catch-all apart.
    pub(crate) async fn target(&mut self, address: &Address) -> Result<Option<Target>> {
        let found = self.target_as_written(address).await?;
        if found.is_some() {
            return Ok(found);
        }
        let domain = self.domain(&address.domain).await?;
        match domain.as_ref().and_then(|domain| domain.elsewhere()) {
            Some(other) => {
                let other = Address::new(address.local.clone(), other.clone());
                self.target_as_written(&other).await
            }
            None => Ok(None),
        }
    }

    /// The domain as mail has it: the one that it is another name of; none, when it takes no mail.
    pub(crate) async fn mail_domain(&mut self, name: &Domain) -> Result<Option<Arc<DomainRecord>>> {
        let Some(domain) = self.domain(name).await?.filter(|domain| domain.removal.is_none()) else {
            return Ok(None);
        };
        match &domain.alias_of {
            Some(main) => Ok(self.domain(main).await?.filter(|main| main.removal.is_none())),
            None => Ok(Some(domain)),
        }
    }

    async fn target_as_written(&mut self, address: &Address) -> Result<Option<Target>> {
        let name = address.key();
        if let Some(hit) = self.cache.get(|tables| tables.targets.get(name.as_str())) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::address(address)).await?;
        let found = stored.map(|stored| target::decode(&stored)).transpose()?;
        self.cache.put(generation, |tables| tables.targets.insert(name, found));
        Ok(found)
    }

    pub(crate) async fn account(&mut self, id: AccountId) -> Result<Option<Arc<AccountRecord>>> {
        if let Some(hit) = self.cache.get(|tables| tables.accounts.get(&id)) {
            return Ok(hit);
        }
        let (generation, found) = self
            .read(async move |reading| transaction::read_account(reading, id).await)
            .await?;
        let found = found.map(Arc::new);
        self.cache
            .put(generation, |tables| tables.accounts.insert(id, found.clone()));
        Ok(found)
    }

    /// All that is needed to sign an account in.
    pub(crate) async fn login(&mut self, account: Arc<AccountRecord>) -> Result<Login> {
        let id = account.id;
        let is_known = |tables: &crate::cache::Tables| tables.credentials.get(&id).and(tables.factors.get(&id));
        if self.cache.get(is_known).is_none() {
            let reading = &mut self.reading().1;
            reading.look_ahead_snapshot(&key::credential(id));
            reading.look_ahead_snapshot(&key::factors(id));
        }
        let policy = self.sign_in_policy(account.tenant).await?;
        Ok(Login {
            credential: self.credential(id).await?,
            factors: self.factors(id).await?,
            active: self.is_active(&account).await?,
            exempt: self.is_exempt(&policy, &account).await?,
            terms: self.terms_asked(account.tenant).await?,
            policy,
            account,
        })
    }

    pub(crate) async fn sign_in_policy(&mut self, id: TenantId) -> Result<Arc<SignInPolicy>> {
        if let Some(hit) = self.cache.get(|tables| tables.policies.get(&id)) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::sign_in_policy(id)).await?;
        let found = stored.map(|stored| sign_in_policy::decode(&stored)).transpose()?;
        let found = Arc::new(found.unwrap_or_default());
        self.cache
            .put(generation, |tables| tables.policies.insert(id, Arc::clone(&found)));
        Ok(found)
    }

    /// What bounds a tenant; none for one that is gone.
    pub(crate) async fn terms(&mut self, id: TenantId) -> Result<Option<Arc<transaction::plan::Terms>>> {
        if let Some(hit) = self.cache.get(|tables| tables.terms.get(&id)) {
            return Ok(hit);
        }
        let (generation, found) = self
            .read(async move |reading| transaction::plan::terms(reading, id).await)
            .await?;
        let found = found.map(Arc::new);
        self.cache
            .put(generation, |tables| tables.terms.insert(id, found.clone()));
        Ok(found)
    }

    /// Whether the organisation's networks do not apply to an account (LGN-9).
    pub(crate) async fn is_exempt(&mut self, policy: &SignInPolicy, account: &AccountRecord) -> Result<bool> {
        if policy.exempt_accounts.contains(&account.id) {
            return Ok(true);
        }
        if policy.networks.is_empty() || policy.exempt_departments.is_empty() || account.departments.is_empty() {
            return Ok(false);
        }
        let tenant = account.tenant;
        let (_, tree) = self
            .read(async move |reading| Tree::read(reading, tenant).await)
            .await?;
        let mut places = account.departments.iter().flat_map(|id| tree.path(*id));
        Ok(places.any(|place| policy.exempt_departments.contains(&place)))
    }

    pub(crate) async fn factors(&mut self, id: AccountId) -> Result<Arc<Factors>> {
        if let Some(hit) = self.cache.get(|tables| tables.factors.get(&id)) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::factors(id)).await?;
        let found = stored.map(|stored| factors::decode(&stored)).transpose()?;
        let found = Arc::new(found.unwrap_or_default());
        self.cache
            .put(generation, |tables| tables.factors.insert(id, Arc::clone(&found)));
        Ok(found)
    }

    pub(crate) async fn credential(&mut self, id: AccountId) -> Result<Option<Arc<Credential>>> {
        if let Some(hit) = self.cache.get(|tables| tables.credentials.get(&id)) {
            return Ok(hit);
        }
        let (generation, stored) = self.value(key::credential(id)).await?;
        let found = stored
            .map(|stored| credential::decode(&stored))
            .transpose()?
            .map(Arc::new);
        self.cache
            .put(generation, |tables| tables.credentials.insert(id, found.clone()));
        Ok(found)
    }

    /// Whether account and tenant are active.
    pub(crate) async fn is_active(&mut self, account: &AccountRecord) -> Result<bool> {
        let tenant = self.tenant(account.tenant).await?;
        Ok(account.state == AccountState::Active && tenant.is_some_and(|tenant| tenant.state == TenantState::Active))
    }

    /// Where mail for an address goes that leads to `account`.
    pub(crate) async fn recipient(
        &mut self,
        account: AccountId,
        detail: Option<String>,
        via: Via,
    ) -> Result<Resolution> {
        let Some(account) = self.account(account).await? else {
            return Ok(Resolution::NoSuchUser);
        };
        let tenant = self.tenant(account.tenant).await?;
        if !account.state.takes_mail() || tenant.is_none_or(|tenant| tenant.state != TenantState::Active) {
            return Ok(Resolution::Suspended);
        }
        Ok(Resolution::Account(Recipient { account, detail, via }))
    }

    /// The target of an address, with or without its detail.
    pub(crate) async fn target_of(&mut self, address: &Address) -> Result<Option<(Target, Option<String>)>> {
        if let Some(target) = self.target(address).await? {
            return Ok(Some((target, None)));
        }
        let (base, Some(detail)) = address.split_detail('+') else {
            return Ok(None);
        };
        let detail = detail.to_owned();
        Ok(self.target(&base).await?.map(|target| (target, Some(detail))))
    }

    /// The account that gets a tenant's `postmaster@` when nobody has that address: the one set, else the oldest that is
    /// active.
    pub(crate) async fn postmaster(&mut self, tenant: TenantId) -> Result<Option<Arc<AccountRecord>>> {
        if let Some(hit) = self.cache.get(|tables| tables.postmasters.get(&tenant)) {
            return Ok(hit);
        }
        let generation = self.reading().0;
        let found = self.find_postmaster(tenant).await?;
        self.cache
            .put(generation, |tables| tables.postmasters.insert(tenant, found.clone()));
        Ok(found)
    }

    async fn find_postmaster(&mut self, tenant: TenantId) -> Result<Option<Arc<AccountRecord>>> {
        let set = self.tenant(tenant).await?.and_then(|tenant| tenant.postmaster);
        if let Some(id) = set
            && let Some(account) = self.account(id).await?
            && account.state == AccountState::Active
        {
            return Ok(Some(account));
        }
        let accounts = key::accounts(tenant);
        let mut query = RangeQuery {
            limit: 100,
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(accounts.range())
        };
        loop {
            let asked = query.clone();
            let (_, reply) = self
                .read(async move |reading| Ok(reading.get_range(asked.clone()).await?))
                .await?;
            for pair in &reply.pairs {
                let id = AccountId(transaction::last_int(&accounts, &pair.key)?);
                let record = account::decode(tenant, id, &pair.value)?;
                if record.state == AccountState::Active {
                    return Ok(Some(Arc::new(record)));
                }
            }
            match reply.pairs.last() {
                Some(last) if reply.more || reply.pairs.len() == query.limit => {
                    query.range.begin = hongyan_kv::KeyRange::key(&last.key).end;
                }
                _ => return Ok(None),
            }
        }
    }
}
