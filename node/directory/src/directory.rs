//! The handle everyone holds: look-ups and changes.

use std::sync::Arc;

use hongyan_audit::{Author, Chain, Event, Log};
use hongyan_env::Env;
use hongyan_kv::{Database, Transaction};
use hongyan_seal::Sealer;
use hongyan_types::{AccountId, Address, Domain, LocalPart, TenantId, Timestamp};

use crate::account_news::Waiting;
use crate::acting::Acting;
use crate::cache::Cache;
use crate::change::{self, Change, Ground};
use crate::index::Index;
use crate::lookup::Lookup;
use crate::record::change::Touched;
use crate::record::target::Target;
use crate::transaction::{self as tx, Page};
use crate::{
    AccountChange, AccountRecord, AddressChange, Credential, DirectoryOptions, Draft, Error, Etag, Factors,
    FactorsChange, GroupChange, GroupId, GroupRecord, Language, Login, NewAccount, NewGroup, NewTenant,
    OrganisationPage, RequestKey, Resolution, Result, SignInPolicy, TenantChange, TenantRecord, Via,
};

/// The directory; clones share it.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
    /// In whose name this handle changes things.
    acting: Arc<Acting>,
}

struct Inner {
    database: Database,
    env: Env,
    options: DirectoryOptions,
    sealer: Sealer,
    cache: Cache,
    index: Index,
    /// The last change that this node knows of.
    version: tokio::sync::watch::Sender<u64>,
    /// The last change up to which this node knows of all.
    complete: tokio::sync::watch::Sender<u64>,
    /// Who waits for changes of single accounts.
    waiting: Waiting,
}

/// Sets a version that only grows, and tells whoever listens.
fn raise(known: &tokio::sync::watch::Sender<u64>, version: u64) {
    known.send_if_modified(|known| {
        let is_later = version > *known;
        *known = version.max(*known);
        is_later
    });
}

impl Directory {
    /// The directory kept in `database`.
    #[must_use]
    pub fn new(database: Database, env: Env, options: DirectoryOptions) -> Self {
        let cache = Cache::new(env.clone(), options.cache_entries_max);
        let index = Index::new(options.index_members_max);
        let sealer = Sealer::new(env.clone());
        Self {
            inner: Arc::new(Inner {
                database,
                env,
                options,
                sealer,
                cache,
                index,
                version: tokio::sync::watch::Sender::new(0),
                complete: tokio::sync::watch::Sender::new(0),
                waiting: Waiting::default(),
            }),
            acting: Arc::new(Acting::new(Author::system(), None)),
        }
    }

    /// The same directory, for what `author` changes; the first change bears `request`, if there is one, and is refused as
    /// `Repeated` when another bore it before.
    #[must_use]
    pub fn acting(&self, author: Author, request: Option<RequestKey>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            acting: Arc::new(Acting::new(author, request)),
        }
    }

    /// Who did what.
    #[must_use]
    pub fn audit(&self) -> Log {
        Log::new(self.inner.database.clone())
    }

    /// Tells the audit log what is done outside the directory: before it is done, so that nothing is done unseen.
    ///
    /// # Errors
    /// The store's: then it is better not done.
    pub async fn record(&self, chain: Chain, event: Event) -> Result<()> {
        self.change(async move |change| {
            change.record(chain, event.clone());
            Ok(())
        })
        .await
    }

    /// The limits in force.
    #[must_use]
    pub fn options(&self) -> &DirectoryOptions {
        &self.inner.options
    }

    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup::new(&self.inner.cache, &self.inner.database)
    }

    /// The time that its records bear.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp {
            millis: self.inner.env.wall_millis(),
        }
    }

    pub(crate) fn index(&self) -> &Index {
        &self.inner.index
    }
    /// Reads the lists of large tenants before they are asked for, and again after changes that were missed: for whoever
    /// runs a node, as long as it runs.
    pub async fn keep_index(self) {
        crate::index::keep_read(self).await;
    }
    pub(crate) fn is_trusted(&self) -> bool {
        self.inner.cache.is_trusted()
    }
    /// The clock it goes by.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.inner.env
    }
    /// The store that it lies in.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.inner.database
    }
    /// Seals the secrets of its records and of those beside it; without a key until it is given one.
    #[must_use]
    pub fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }
    /// The last change that this node knows of.
    #[must_use]
    pub fn version(&self) -> u64 {
        *self.inner.version.borrow()
    }
    /// Forgets what one change touched.
    fn forget(&self, touched: &[Touched], version: u64) {
        self.inner.cache.forget(touched);
        self.inner.index.forget(touched);
        self.inner.waiting.hear(touched);
        self.hear(version);
    }
    /// Forgets what all changes up to `version` touched that this node did not know of.
    pub(crate) fn forget_all(&self, touched: &[Touched], version: u64) {
        self.forget(touched, version);
        raise(&self.inner.complete, version);
    }
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.inner.waiting
    }
    fn ground(&self) -> Ground<'_> {
        Ground {
            database: &self.inner.database,
            env: &self.inner.env,
            options: &self.inner.options,
            acting: &self.acting,
        }
    }
    /// Tells whoever listens that there is a later version; what it touched is forgotten already.
    fn hear(&self, version: u64) {
        raise(&self.inner.version, version);
        // One that others made may lie between.
        if *self.inner.complete.borrow() + 1 == version {
            raise(&self.inner.complete, version);
        }
    }
    /// The last change up to which this node knows of all; nothing while it alone changes the directory, for all it knows.
    pub(crate) fn complete(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        let is_followed = self.inner.cache.is_followed();
        is_followed.then(|| self.inner.complete.subscribe())
    }
    /// Follows the changes that this node knows of, whoever made them: each says that what was read may be old.
    #[must_use]
    pub fn heard(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.version.subscribe()
    }
    /// What is remembered is as true as the store was at `micros`.
    pub(crate) fn trust_from(&self, micros: u64) {
        let stale_max = u64::try_from(self.inner.options.stale_max.as_micros()).unwrap_or(u64::MAX);
        self.inner.cache.trust_until(micros.saturating_add(stale_max));
    }

    /// Makes a change of another part's own records, which may [`Change::notify`] all nodes. It happens once, whatever its
    /// commits answer; one that notifies nobody may happen twice. The version is that of the notice.
    ///
    /// # Errors
    /// The body's; the store's.
    pub async fn announce<T>(&self, body: impl AsyncFnMut(&mut Change) -> Result<T>) -> Result<(T, u64)> {
        let done = change::run(self.ground(), body).await?;
        self.hear(done.version);
        Ok((done.value, done.version))
    }

    /// Where mail for `address` goes.
    ///
    /// # Errors
    /// The store's only.
    pub async fn resolve(&self, address: &Address) -> Result<Resolution> {
        let mut lookup = self.lookup();
        let Some(domain) = lookup.mail_domain(&address.domain).await? else {
            return Ok(Resolution::NotLocal);
        };
        let resolution = match lookup.target_of(address).await? {
            Some((Target::Account { account, alias, .. }, detail)) => {
                let via = if alias { Via::Alias } else { Via::Address };
                lookup.recipient(account, detail, via).await?
            }
            Some((Target::Group { tenant, group }, _)) => {
                lookup
                    .group(tenant, group, self.inner.options.group_expansion_max)
                    .await?
            }
            None => match domain.catch_all {
                Some(account) if !is_postmaster(&address.local) => {
                    lookup.recipient(account, None, Via::CatchAll).await?
                }
                _ => Resolution::NoSuchUser,
            },
        };
        let delivers = matches!(resolution, Resolution::Account(_) | Resolution::Group(_));
        if delivers || !is_postmaster(&address.local) {
            return Ok(resolution);
        }
        self.postmaster_of(&mut lookup, domain.tenant, resolution).await
    }

    /// Where mail for `<Postmaster>` without a domain goes (RFC 5321 §4.1.1.3): the postmaster of the oldest tenant.
    ///
    /// # Errors
    /// The store's only.
    pub async fn resolve_postmaster(&self) -> Result<Resolution> {
        let page = self.tenants(None, 1).await?;
        match page.first() {
            Some(tenant) => {
                self.postmaster_of(&mut self.lookup(), tenant.id, Resolution::NoSuchUser)
                    .await
            }
            None => Ok(Resolution::NoSuchUser),
        }
    }

    // RFC 5321 §4.5.1: mail for postmaster is always taken.
    async fn postmaster_of(
        &self,
        lookup: &mut Lookup<'_>,
        tenant: TenantId,
        otherwise: Resolution,
    ) -> Result<Resolution> {
        Ok(match lookup.postmaster(tenant).await? {
            Some(account) => Resolution::Account(crate::Recipient {
                account,
                detail: None,
                via: Via::Postmaster,
            }),
            None => otherwise,
        })
    }

    /// Whether mail for `domain` stays here.
    ///
    /// # Errors
    /// The store's only.
    pub async fn is_local(&self, domain: &Domain) -> Result<bool> {
        Ok(self.lookup().mail_domain(domain).await?.is_some())
    }

    /// Who signs in as `name`: a main address or an alias; without `@`, one of the default domain.
    ///
    /// # Errors
    /// The store's only; a name that is no address is nobody.
    pub async fn login(&self, name: &str) -> Result<Option<Login>> {
        let Some(address) = self.login_address(name) else {
            return Ok(None);
        };
        let mut lookup = self.lookup();
        if lookup.domain(&address.domain).await?.is_none() {
            return Ok(None);
        }
        let Some(Target::Account { account, .. }) = lookup.target(&address).await? else {
            return Ok(None);
        };
        let Some(account) = lookup.account(account).await? else {
            return Ok(None);
        };
        Ok(Some(lookup.login(account).await?))
    }

    /// What is needed to sign `id` in.
    ///
    /// # Errors
    /// The store's only; an account that is gone is nobody.
    pub async fn login_of(&self, id: AccountId) -> Result<Option<Login>> {
        let mut lookup = self.lookup();
        let Some(account) = lookup.account(id).await? else {
            return Ok(None);
        };
        Ok(Some(lookup.login(account).await?))
    }

    /// As [`Directory::login_of`], as it would be under another policy.
    ///
    /// # Errors
    /// The store's only.
    pub async fn login_under(&self, id: AccountId, policy: &SignInPolicy) -> Result<Option<Login>> {
        let mut lookup = self.lookup();
        let Some(account) = lookup.account(id).await? else {
            return Ok(None);
        };
        let mut login = lookup.login(account).await?;
        login.exempt = lookup.is_exempt(policy, &login.account).await?;
        login.policy = Arc::new(policy.clone());
        Ok(Some(login))
    }

    fn login_address(&self, name: &str) -> Option<Address> {
        if name.contains('@') {
            return Address::try_from(name).ok();
        }
        let domain = self.inner.options.default_domain.clone()?;
        Some(Address::new(LocalPart::try_from(name).ok()?, domain))
    }

    /// The account `id`.
    ///
    /// # Errors
    /// The store's only.
    pub async fn account(&self, id: AccountId) -> Result<Option<Arc<AccountRecord>>> {
        self.lookup().account(id).await
    }

    /// The account with the main address or alias `address`.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn account_at(&self, address: &Address) -> Result<Arc<AccountRecord>> {
        let mut lookup = self.lookup();
        if let Some(Target::Account { account, .. }) = lookup.target(address).await?
            && let Some(account) = lookup.account(account).await?
        {
            return Ok(account);
        }
        Err(Error::not_found("account", address))
    }

    /// Whether the account and its tenant are active.
    ///
    /// # Errors
    /// The store's only.
    pub async fn is_active(&self, account: &AccountRecord) -> Result<bool> {
        self.lookup().is_active(account).await
    }

    /// The language to write to `account` in: its own, else its tenant's.
    ///
    /// # Errors
    /// The store's only.
    pub async fn language_of(&self, account: &AccountRecord) -> Result<Language> {
        match account.language {
            Some(language) => Ok(language),
            None => self.language_at(account.tenant).await,
        }
    }

    /// The language of a tenant.
    ///
    /// # Errors
    /// The store's only.
    pub async fn language_at(&self, tenant: TenantId) -> Result<Language> {
        let tenant = self.lookup().tenant(tenant).await?;
        Ok(tenant.and_then(|tenant| tenant.language).unwrap_or_default())
    }

    /// Makes a change, and then forgets what it touched.
    pub(crate) async fn change<T>(&self, body: impl AsyncFnMut(&mut Change) -> Result<T>) -> Result<T> {
        match change::run(self.ground(), body).await {
            Ok(done) => {
                self.forget(&done.touched, done.version);
                Ok(done.value)
            }
            Err(error) => {
                // It may have happened.
                if matches!(error, Error::Storage(_)) {
                    self.inner.cache.forget(&[Touched::Everything]);
                    self.inner.index.forget(&[Touched::Everything]);
                }
                Err(error)
            }
        }
    }

    /// Makes several changes, of the directory's own records and of others beside them, in one transaction. It happens once,
    /// unless it changes nothing of the directory's own.
    ///
    /// # Errors
    /// The body's; the store's.
    pub async fn transact<T>(&self, body: impl AsyncFnMut(&mut Change) -> Result<T>) -> Result<T> {
        self.change(body).await
    }

    /// Does what `body` would do, and forgets that it did.
    ///
    /// # Errors
    /// The body's; the store's.
    pub async fn try_out<T>(&self, mut body: impl AsyncFnMut(&mut Change) -> Result<T>) -> Result<T> {
        let mut attempt = 1;
        loop {
            let mut change = Change::begin(&self.ground(), self.now());
            match body(&mut change).await {
                Err(Error::Storage(error)) if error.is_retryable() && attempt < Database::ATTEMPTS_MAX => {}
                outcome => return outcome,
            }
            attempt += 1;
        }
    }

    /// Makes an account in a change; as [`Self::create_account`], and `NotFound` for a domain of another tenant than
    /// `tenant`. What is refused has changed nothing.
    ///
    /// # Errors
    /// As there.
    pub async fn add_account(&self, change: &mut Change, tenant: TenantId, new: &NewAccount) -> Result<AccountRecord> {
        if tx::domain_of(change, &new.address).await?.tenant != tenant {
            return Err(Error::not_found("domain", &new.address.domain));
        }
        self.make_account(change, new).await
    }

    /// All that is wrong with an account that is to be made in a tenant, each fault with the field that it is about: `address`,
    /// `display_name`, `departments`, `tags`, or one of the profile. Whether there is room for one more is not among them.
    ///
    /// # Errors
    /// The store's.
    pub async fn faults(
        &self,
        change: &mut Change,
        tenant: TenantId,
        draft: Draft<'_>,
    ) -> Result<Vec<(&'static str, Error)>> {
        tx::faults::run(change, tenant, draft, &self.inner.options).await
    }

    async fn make_account(&self, change: &mut Change, new: &NewAccount) -> Result<AccountRecord> {
        let account = tx::create_account::run(change, new, &self.inner.options, self.now()).await?;
        tx::welcome::greet(change, &account, &self.inner.env).await?;
        Ok(account)
    }

    pub(crate) async fn read<T>(&self, body: impl AsyncFnMut(&mut Transaction) -> Result<T>) -> Result<T> {
        self.inner.database.run(body).await
    }
}

/// Changes and lists, for the admin API. Each change is one transaction.
///
/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Makes a tenant. `Exists`, `Invalid`.
    pub async fn create_tenant(&self, new: &NewTenant) -> Result<TenantRecord> {
        let (new, now, this) = (new.clone(), self.now(), self.clone());
        self.change(async move |t| tx::create_tenant::run(t, &new, this.options(), now).await)
            .await
    }
    /// Changes a tenant. `NotFound`, `Invalid`.
    pub async fn change_tenant(&self, id: TenantId, change: &TenantChange) -> Result<TenantRecord> {
        let (change, now) = (change.clone(), self.now());
        self.change(async move |t| tx::change_tenant::run(t, id, &change, now).await)
            .await
    }
    /// Removes a tenant that owns nothing any more. `NotFound`, `InUse`.
    pub async fn delete_tenant(&self, id: TenantId) -> Result<()> {
        self.change(async move |t| tx::delete_tenant::run(t, id).await).await
    }
    /// The tenant of that name. `NotFound`.
    pub async fn tenant_named(&self, name: &str) -> Result<TenantRecord> {
        let name = name.to_owned();
        self.read(async move |t| tx::read_tenant_named(t, &name).await).await
    }
    /// The tenant `id`. `NotFound`.
    pub async fn tenant(&self, id: TenantId) -> Result<Arc<TenantRecord>> {
        let found = self.lookup().tenant(id).await?;
        found.ok_or_else(|| Error::not_found("organisation", id.0))
    }
    /// Tenants by identifier, after `after`, at most `limit`.
    pub async fn tenants(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::list::tenants(t, page).await).await
    }

    /// Makes an account. `NotFound` for the domain, `Exists` for the address, `Limit`, `Invalid`.
    pub async fn create_account(&self, new: &NewAccount) -> Result<AccountRecord> {
        let new = new.clone();
        let this = self.clone();
        self.change(async move |t| this.make_account(t, &new).await).await
    }
    /// Makes several accounts in one transaction: all or none. As [`Self::create_account`].
    pub async fn create_accounts(&self, new: &[NewAccount]) -> Result<Vec<AccountRecord>> {
        let new = new.to_owned();
        let this = self.clone();
        self.change(async move |t| {
            let mut made = Vec::with_capacity(new.len());
            for new in &new {
                made.push(this.make_account(t, new).await?);
            }
            Ok(made)
        })
        .await
    }
    /// Changes an account. `NotFound`, `Invalid`, `Changed`, `Exists` for an employee id or phone, `Limit`, `Refused` for the
    /// creator's role.
    pub async fn change_account(&self, id: AccountId, change: &AccountChange) -> Result<AccountRecord> {
        let (change, now) = (change.clone(), self.now());
        let this = self.clone();
        let withdrawn = self.seat_notice(id);
        self.change(async move |t| tx::change_account::run(t, id, &change, Some(&withdrawn), this.options(), now).await)
            .await
    }
    /// Sets the hashes of an account's password. `NotFound`.
    pub async fn set_credential(&self, id: AccountId, credential: &Credential) -> Result<()> {
        let credential = credential.clone();
        self.change(async move |t| tx::set_credential::run(t, id, &credential).await)
            .await
    }
    /// Sets how a tenant's accounts sign in. `NotFound`, `Limit`, `Changed` when it is not what was expected.
    pub async fn set_sign_in_policy(
        &self,
        id: TenantId,
        policy: &SignInPolicy,
        expect: Option<Etag>,
    ) -> Result<SignInPolicy> {
        let (policy, now) = (policy.clone(), self.now());
        self.change(async move |t| tx::set_sign_in_policy::run(t, id, &policy, expect, now).await)
            .await
    }
    /// The room that an account's mailbox has: its own, and no more than its organisation gives those without an advanced
    /// seat.
    pub async fn quota_of(&self, account: &AccountRecord) -> Result<crate::Quota> {
        let (tenant, now) = (account.tenant, self.now());
        let bounds = self.read(async move |t| tx::plan::bounds(t, tenant, now).await).await?;
        let mut quota = account.quota;
        if account.seat == crate::Seat::Standard {
            let max = bounds.of(crate::Limit::MailboxOctetsMax, self.options()).max;
            quota.octets_max = [quota.octets_max, max].into_iter().flatten().min();
        }
        Ok(quota)
    }
    /// How many days the logs of a tenant are kept.
    pub async fn log_days(&self, id: TenantId) -> Result<u64> {
        let now = self.now();
        let bounds = self.read(async move |t| tx::plan::bounds(t, id, now).await).await?;
        let days = bounds.of(crate::Limit::LogDays, self.options()).max;
        Ok(days.unwrap_or(self.options().log_days))
    }
    /// How a tenant's accounts sign in.
    pub async fn sign_in_policy(&self, id: TenantId) -> Result<Arc<SignInPolicy>> {
        self.lookup().sign_in_policy(id).await
    }
    /// Sets what an organisation says of itself. `NotFound`, `Invalid`, `Limit`, `Changed` when it is not what was expected.
    pub async fn set_page(
        &self,
        id: TenantId,
        page: &OrganisationPage,
        expect: Option<Etag>,
    ) -> Result<OrganisationPage> {
        let page = page.clone();
        self.change(async move |t| tx::set_page::run(t, id, &page, expect).await)
            .await
    }
    /// What an organisation says of itself.
    pub async fn page(&self, id: TenantId) -> Result<OrganisationPage> {
        self.read(async move |t| tx::set_page::read(t, id).await).await
    }
    /// How an account is shown to others (ORG-8).
    pub async fn shown_name(&self, account: &AccountRecord) -> Result<String> {
        Ok(self.page(account.tenant).await?.name_of(account))
    }
    /// Changes what proves an account beside its password, and gives what it is then. `NotFound`, `Limit`.
    pub async fn change_factors(&self, id: AccountId, change: &FactorsChange) -> Result<Factors> {
        let (change, now, this) = (change.clone(), self.now(), self.clone());
        self.change(async move |t| tx::change_factors::run(t, id, &change, this.options(), now).await)
            .await
    }
    /// What proves an account beside its password.
    pub async fn factors(&self, id: AccountId) -> Result<Arc<Factors>> {
        self.lookup().factors(id).await
    }
    /// Removes an account and frees its addresses. `NotFound`, `Refused` for the creator.
    pub async fn delete_account(&self, id: AccountId) -> Result<AccountRecord> {
        let (this, now) = (self.clone(), self.now());
        self.change(async move |t| tx::delete_account::run(t, id, this.options(), now).await)
            .await
    }
    /// Accounts of a tenant by identifier, after `after`, at most `limit`.
    pub async fn accounts(
        &self,
        tenant: TenantId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::list::accounts(t, tenant, page).await)
            .await
    }
    /// Gives an account one more address. `NotFound`, `Exists`, `Limit`, `Invalid` for a domain of another tenant.
    pub async fn add_alias(&self, id: AccountId, alias: &Address) -> Result<AccountRecord> {
        let (alias, now) = (alias.clone(), self.now());
        let this = self.clone();
        self.change(async move |t| tx::add_alias::run(t, id, &alias, &this.inner.options, now).await)
            .await
    }
    /// Another main address for an account whose own was made up. `NotFound`, `Changed`, `Refused` for any other, `Exists`, `Limit`.
    pub async fn change_address(&self, id: AccountId, change: &AddressChange) -> Result<AccountRecord> {
        let (change, this, now) = (change.clone(), self.clone(), self.now());
        self.change(async move |t| tx::change_address::run(t, id, &change, &this.inner.options, now).await)
            .await
    }
    /// Takes an alias away. `NotFound`.
    pub async fn remove_alias(&self, id: AccountId, alias: &Address) -> Result<AccountRecord> {
        let alias = alias.clone();
        self.change(async move |t| tx::remove_alias::run(t, id, &alias).await)
            .await
    }

    /// Makes a group. `NotFound` for the domain, `Exists` for the address, `Limit`.
    pub async fn create_group(&self, new: &NewGroup) -> Result<GroupRecord> {
        let new = new.clone();
        let (now, this) = (self.now(), self.clone());
        self.change(async move |t| tx::create_group::run(t, &new, &this.inner.options, now).await)
            .await
    }
    /// Changes a group. `NotFound`, `Invalid`, `Limit`, `Changed`, `Refused` for what a department's group has from it, `Exists`
    /// for an address.
    pub async fn change_group(&self, group: &Address, change: &GroupChange) -> Result<GroupRecord> {
        let (group, change, this) = (group.clone(), change.clone(), self.clone());
        self.change(async move |t| tx::change_group::run(t, &group, &change, &this.inner.options).await)
            .await
    }
    /// The group with that address. `NotFound`.
    pub async fn group_at(&self, address: &Address) -> Result<GroupRecord> {
        let address = address.clone();
        self.read(async move |t| tx::read_group_at(t, &address).await).await
    }
    /// Adds a member; one that is there already stays once. `NotFound`, `Limit`.
    pub async fn add_member(&self, group: &Address, member: &Address) -> Result<GroupRecord> {
        let group = group.clone();
        let member = member.clone();
        let this = self.clone();
        self.change(async move |t| tx::add_member::run(t, &group, &member, &this.inner.options).await)
            .await
    }
    /// Removes a member. `NotFound`.
    pub async fn remove_member(&self, group: &Address, member: &Address) -> Result<GroupRecord> {
        let group = group.clone();
        let member = member.clone();
        self.change(async move |t| tx::remove_member::run(t, &group, &member).await)
            .await
    }
    /// Members of a group by address, after `after`, at most `limit`.
    pub async fn members(&self, group: GroupId, after: Option<Address>, limit: usize) -> Result<Vec<Address>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::list::members(t, group, &page).await).await
    }
    /// Removes a group. `NotFound`.
    pub async fn delete_group(&self, group: &Address) -> Result<()> {
        let group = group.clone();
        self.change(async move |t| tx::delete_group::run(t, &group).await).await
    }
    /// Groups of a tenant by identifier, after `after`, at most `limit`.
    pub async fn groups(&self, tenant: TenantId, after: Option<GroupId>, limit: usize) -> Result<Vec<GroupRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::list::groups(t, tenant, page).await).await
    }
}

fn is_postmaster(local: &LocalPart) -> bool {
    local.as_str().eq_ignore_ascii_case("postmaster")
}

#[cfg(test)]
#[path = "directory_test.rs"]
mod tests;
