//! The handle that the admin API holds: asks for migrations, shows them, gives them passwords, tries sources.

use std::collections::BTreeMap;
use std::time::Duration;

use hongyan_audit::{Author, Chain, Event};
use hongyan_blob::BlobStore;
use hongyan_directory::{Change, Directory, Error};
use hongyan_env::Env;
use hongyan_kv::RangeQuery;
use hongyan_router::Router;
use hongyan_sasl::Secret;
use hongyan_seal::SealError;
use hongyan_types::{AccountId, Domain, TenantId, Timestamp};

use crate::dial::Dialer;
use crate::entity::accounts_prefix;
use crate::failure::Failure;
use crate::imap::{ImapSource, SignIn};
use crate::pop3::Pop3Source;
use crate::record::{moving, trouble};
use crate::store::{self, last_ints, snapshot};
use crate::{
    Delegation, Look, Migration, MigrationId, MigrationOptions, MigrationState, Moving, MovingState, Protocol, Source,
    Trouble, key, secret,
};

/// How long a migration may take to look.
const WITHIN: Duration = Duration::from_secs(10);
/// Passwords that one transaction writes.
const PASSWORDS_AT_ONCE: usize = 100;
/// Longest login name or password, in octets.
const CREDENTIAL_OCTETS_MAX: usize = 1_000;

/// Why something cannot be done with migrations.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// It is not there, or over, or too much.
    #[error(transparent)]
    Directory(#[from] Error),
    /// Passwords cannot be kept now.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A migration to begin.
#[derive(Debug, Clone)]
pub struct NewMigration {
    /// Where mail comes from.
    pub source: Source,
    /// The domain of the addresses there.
    pub source_domain: String,
    /// The domain here whose accounts get it.
    pub target_domain: String,
    /// The administrator's account there that reads all others, with its password (MIG-8).
    pub delegated: Option<(String, Delegation, Secret)>,
    /// Accounts that come later are taken in too (MIG-1).
    pub takes_new: bool,
    /// Members are told by mail (MIG-4).
    pub tells: bool,
}

/// What signs an account in at the source.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account here.
    pub account: AccountId,
    /// Its login name there; what it has is kept without.
    pub login: Option<String>,
    /// Its password there.
    pub password: Secret,
}

/// How many accounts are in which state (MIG-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts(pub(crate) [u64; 7]);

impl Counts {
    /// In that state.
    #[must_use]
    pub fn of(&self, state: MovingState) -> u64 {
        self.0.get(usize::from(state.code())).copied().unwrap_or(0)
    }
    /// In any.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// What a source said (MIG-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// Whether mail can be read there.
    pub good: bool,
    /// Why not; empty when it can.
    pub reason: String,
    /// Folders of the account.
    pub folders: Option<u64>,
    /// Messages of the account, or of its inbox where that alone is told.
    pub messages: Option<u64>,
}

/// One point of the list before a migration (MIG-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is looked at: `source-name`, `source-not-here`, `source-open`, `accounts`, `passwords`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub good: bool,
    /// What was found.
    pub detail: String,
}

/// Migrations; clones share them.
#[derive(Clone)]
pub struct Migrations {
    pub(crate) env: Env,
    pub(crate) directory: Directory,
    pub(crate) router: Router,
    pub(crate) dialer: Dialer,
    pub(crate) blobs: Option<BlobStore>,
}

fn missing(what: &'static str, name: impl ToString) -> Error {
    Error::NotFound {
        what,
        name: name.to_string(),
    }
}

fn check_credential(what: &str, text: &str) -> Result<(), MigrationError> {
    if text.is_empty() || text.len() > CREDENTIAL_OCTETS_MAX || text.chars().any(char::is_control) {
        let rule = format!("{what}: it has 1 to {CREDENTIAL_OCTETS_MAX} octets and no control characters");
        return Err(MigrationError::Invalid(rule));
    }
    Ok(())
}

async fn found(change: &mut Change, tenant: TenantId, id: MigrationId) -> Result<Migration, Error> {
    let migration = store::read(change, id)
        .await?
        .filter(|migration| migration.tenant == tenant);
    migration.ok_or_else(|| missing("migration", id))
}

impl Migrations {
    /// The migrations of a system.
    #[must_use]
    pub fn new(env: Env, directory: Directory, router: Router, dialer: Dialer) -> Self {
        Self {
            env,
            directory,
            router,
            dialer,
            blobs: None,
        }
    }
    /// They also take mails from files, into `blobs`.
    #[must_use]
    pub fn with_blobs(self, blobs: BlobStore) -> Self {
        Self {
            blobs: Some(blobs),
            ..self
        }
    }
    /// Those of a system that configures nothing of them.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_defaults(env: Env, directory: Directory, router: Router) -> Result<Self, rustls::Error> {
        let dialer = Dialer::new(env.clone(), MigrationOptions::default())?;
        Ok(Self::new(env, directory, router, dialer))
    }
    /// The limits in force.
    #[must_use]
    pub fn options(&self) -> &MigrationOptions {
        &self.dialer.options
    }
    /// As it acts in somebody's name.
    #[must_use]
    pub fn acting(&self, directory: Directory) -> Self {
        Self {
            directory,
            ..self.clone()
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp {
            millis: self.env.wall_millis(),
        }
    }

    async fn look(&self, id: MigrationId) {
        // Whoever looks after migrations looks otherwise.
        let _ = self.router.ask(&id, Look, WITHIN).await;
    }

    /// Begins a migration.
    ///
    /// # Errors
    /// `Invalid`; `NotFound` for a domain of others; `Exists` for a domain that is being moved; `Limit`.
    pub async fn create(
        &self,
        tenant: TenantId,
        author: Author,
        new: NewMigration,
    ) -> Result<Migration, MigrationError> {
        let options = self.options();
        new.source
            .check(options.clear_allowed)
            .map_err(MigrationError::Invalid)?;
        let domain = |what: &str, name: &str| {
            Domain::try_from(name).map_err(|error| MigrationError::Invalid(format!("{what}: {name}: {error}")))
        };
        let source_domain = domain("source_domain", &new.source_domain)?.as_str().to_owned();
        let target = domain("target_domain", &new.target_domain)?;
        let record = self.directory.domain(&target).await?;
        if record.tenant != tenant {
            return Err(missing("domain", &target).into());
        }
        if record.removal.is_some() {
            let detail = format!("target_domain: {target} is being removed");
            return Err(MigrationError::Invalid(detail));
        }
        if let Some((login, form, password)) = &new.delegated {
            check_credential("login", login)?;
            check_credential("password", password.reveal())?;
            if new.source.protocol == Protocol::Pop3 && *form == Delegation::Authzid {
                let detail = "delegation: authzid is for imap; pop3 has backslash and star";
                return Err(MigrationError::Invalid(detail.to_owned()));
            }
        }
        let id = self.take_id().await?;
        let created = self.now();
        let accept = i64::try_from(options.accept_for.as_millis()).unwrap_or(i64::MAX);
        let sealed = match &new.delegated {
            Some((_, _, password)) => {
                let sealer = self.directory.sealer();
                Some(secret::seal(sealer, id, secret::ADMINISTRATOR, password)?)
            }
            None => None,
        };
        let migration = Migration {
            id,
            tenant,
            author,
            state: MigrationState::Moving,
            source: new.source,
            source_domain,
            target_domain: target.as_str().to_owned(),
            delegated: new.delegated.map(|(login, form, _)| (login, form)),
            takes_new: new.takes_new,
            tells: new.tells,
            created,
            accepts_until: Timestamp {
                millis: created.millis.saturating_add(accept),
            },
            ended: None,
            enrolled: AccountId(0),
            is_enrolled: false,
        };
        self.write_new(migration.clone(), sealed).await?;
        self.look(id).await;
        Ok(migration)
    }

    async fn take_id(&self) -> Result<MigrationId, Error> {
        let taken = self
            .directory
            .transact(async move |change| change.take_number(key::next()).await);
        taken.await.map(MigrationId)
    }

    async fn write_new(&self, migration: Migration, sealed: Option<bytes::Bytes>) -> Result<(), Error> {
        let max = self.options().open_per_tenant_max;
        let directory = self.directory.acting(migration.author.clone(), None);
        directory
            .transact(async move |change| {
                let open = open_of(change, migration.tenant).await?;
                let is_same = |other: &Migration| {
                    other.source_domain == migration.source_domain && other.target_domain == migration.target_domain
                };
                if let Some(other) = open.iter().find(|other| is_same(other)) {
                    return Err(Error::Exists {
                        what: "migration",
                        name: format!("{} of {}", other.id, other.source_domain),
                    });
                }
                if open.len() >= max {
                    return Err(Error::Limit {
                        setting: "open_migrations_per_tenant_max",
                        max: max as u64,
                        used: open.len() as u64,
                    });
                }
                change.set(key::of(migration.tenant).int(migration.id.0).pack(), Vec::new());
                store::write(change, &migration);
                if let Some(sealed) = &sealed {
                    secret::write(change, migration.id, secret::ADMINISTRATOR, sealed.clone());
                }
                let event = Event::new("migration.start", &migration.source_domain)
                    .id(migration.id.0)
                    .with("to", &migration.target_domain)
                    .with("host", &migration.source.host)
                    .with("protocol", migration.source.protocol.label());
                change.record(Chain::Tenant(migration.tenant), event);
                Ok(())
            })
            .await
    }

    /// All that have not ended.
    pub(crate) async fn open(&self) -> Result<Vec<MigrationId>, Error> {
        let (prefix, mut transaction) = (key::open(), self.directory.database().begin());
        let ids = last_ints(&mut transaction, &prefix, snapshot(prefix.range(), 0)).await?;
        Ok(ids.into_iter().map(MigrationId).collect())
    }

    /// A migration of a tenant, and how many of its accounts are in which state.
    ///
    /// # Errors
    /// `NotFound`, also for those of others.
    pub async fn show(&self, tenant: TenantId, id: MigrationId) -> Result<(Migration, Counts), Error> {
        self.directory
            .transact(async move |change| {
                let migration = found(change, tenant, id).await?;
                let counts = store::counts(change, id).await?;
                Ok((migration, Counts(counts)))
            })
            .await
    }

    /// The migrations of a tenant, the latest first, before `before`, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        tenant: TenantId,
        before: Option<MigrationId>,
        limit: usize,
    ) -> Result<Vec<(Migration, Counts)>, Error> {
        self.directory
            .transact(async move |change| {
                let prefix = key::of(tenant);
                let mut range = prefix.range();
                if let Some(before) = before {
                    range.end = prefix.clone().int(before.0).pack();
                }
                let query = RangeQuery {
                    reverse: true,
                    ..snapshot(range, limit.max(1))
                };
                let mut migrations = Vec::new();
                for id in last_ints(change, &prefix, query).await? {
                    let id = MigrationId(id);
                    if let Some(migration) = store::read(change, id).await? {
                        migrations.push((migration, Counts(store::counts(change, id).await?)));
                    }
                }
                Ok(migrations)
            })
            .await
    }

    /// Pauses, continues or ends a migration (MIG-9). What is under way stops; with the end its passwords go.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when it has ended.
    pub async fn set_state(
        &self,
        tenant: TenantId,
        id: MigrationId,
        state: MigrationState,
    ) -> Result<(Migration, Counts), Error> {
        let now = self.now();
        self.directory
            .transact(async move |change| {
                let mut migration = found(change, tenant, id).await?;
                if migration.state == MigrationState::Ended {
                    return Err(Error::Refused("the migration has ended".to_owned()));
                }
                let action = match state {
                    MigrationState::Moving => "migration.continue",
                    MigrationState::Paused => "migration.pause",
                    MigrationState::Ended => "migration.end",
                };
                migration.state = state;
                if state == MigrationState::Ended {
                    migration.ended = Some(now);
                }
                store::write(change, &migration);
                let event = Event::new(action, &migration.source_domain).id(id.0);
                change.record(Chain::Tenant(tenant), event);
                Ok(())
            })
            .await?;
        self.look(id).await;
        self.show(tenant, id).await
    }

    /// Accounts of a migration after `after`, at most `limit`; only those in `state`, if one is named.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn accounts(
        &self,
        tenant: TenantId,
        id: MigrationId,
        state: Option<MovingState>,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<Moving>, Error> {
        self.show(tenant, id).await?;
        let prefix = accounts_prefix(id);
        let (mut range, mut accounts) = (prefix.range(), Vec::new());
        if let Some(after) = after {
            range.begin = prefix.clone().int(after.0.saturating_add(1)).pack();
        }
        loop {
            let query = snapshot(range.clone(), limit.clamp(1, 1_000));
            let pairs = self.directory.database().begin().get_range(query).await?;
            for pair in &pairs.pairs {
                let account = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
                let Some(account) = account.map(AccountId) else {
                    continue;
                };
                let moving = moving::decode(account, &pair.value)?;
                if state.is_none_or(|state| state == moving.state) {
                    accounts.push(moving);
                    if accounts.len() >= limit {
                        return Ok(accounts);
                    }
                }
            }
            match pairs.pairs.last() {
                Some(last) if pairs.more => range.begin = [&last.key[..], &[0]].concat().into(),
                _ => return Ok(accounts),
            }
        }
    }

    /// An account of a migration.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn account(&self, tenant: TenantId, id: MigrationId, account: AccountId) -> Result<Moving, Error> {
        self.directory
            .transact(async move |change| {
                found(change, tenant, id).await?;
                let moving = store::read_moving(change, id, account).await?;
                moving.ok_or_else(|| missing("account of the migration", account.0))
            })
            .await
    }

    /// What did not come of an account, after the number `after`, at most `limit`.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn troubles(
        &self,
        tenant: TenantId,
        (id, account): (MigrationId, AccountId),
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Trouble)>, Error> {
        self.account(tenant, id, account).await?;
        let prefix = key::troubles(id, account);
        let mut range = prefix.range();
        range.begin = prefix.clone().int(after.saturating_add(1)).pack();
        let query = snapshot(range, limit.max(1));
        let pairs = self.directory.database().begin().get_range_all(query).await?;
        let mut troubles = Vec::new();
        for pair in pairs {
            let number = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
            troubles.push((number.unwrap_or(0), trouble::decode(&pair.value)?));
        }
        Ok(troubles)
    }

    /// The migrations that an account is part of, the latest first (LOG-9).
    ///
    /// # Errors
    /// The store's.
    pub async fn of_account(&self, account: AccountId) -> Result<Vec<(Migration, Moving)>, Error> {
        self.directory
            .transact(async move |change| {
                let prefix = key::mine(account);
                let query = RangeQuery {
                    reverse: true,
                    ..snapshot(prefix.range(), 100)
                };
                let mut all = Vec::new();
                for id in last_ints(change, &prefix, query).await? {
                    let id = MigrationId(id);
                    let migration = store::read(change, id).await?;
                    let moving = store::read_moving(change, id, account).await?;
                    all.extend(migration.zip(moving));
                }
                Ok(all)
            })
            .await
    }

    /// Gives old passwords (MIG-5, MIG-6): those accounts begin, or begin anew. All or none of them, but for a fault of the store.
    ///
    /// # Errors
    /// `NotFound`; `Refused` when the migration has ended; `Invalid`.
    pub async fn set_passwords(
        &self,
        tenant: TenantId,
        id: MigrationId,
        credentials: &[Credentials],
    ) -> Result<(), MigrationError> {
        let mut sealed = Vec::with_capacity(credentials.len());
        for credential in credentials {
            check_credential("password", credential.password.reveal())?;
            if let Some(login) = &credential.login {
                check_credential("login", login)?;
            }
            let account = credential.account;
            self.account(tenant, id, account).await?;
            let hidden = secret::seal(self.directory.sealer(), id, account, &credential.password)?;
            sealed.push((account, credential.login.clone(), hidden));
        }
        for some in sealed.chunks(PASSWORDS_AT_ONCE) {
            self.write_passwords(tenant, id, some.to_vec()).await?;
        }
        self.look(id).await;
        Ok(())
    }

    async fn write_passwords(
        &self,
        tenant: TenantId,
        id: MigrationId,
        sealed: Vec<(AccountId, Option<String>, bytes::Bytes)>,
    ) -> Result<(), Error> {
        let now = self.now();
        self.directory
            .transact(async move |change| {
                let migration = found(change, tenant, id).await?;
                if migration.state == MigrationState::Ended {
                    return Err(Error::Refused("the migration has ended".to_owned()));
                }
                if migration.delegated.is_some() {
                    let detail = "an administrator's account of the source reads all accounts: no password is needed";
                    return Err(Error::Refused(detail.to_owned()));
                }
                for (account, login, hidden) in &sealed {
                    let before = store::read_moving(change, id, *account).await?;
                    let before = before.ok_or_else(|| missing("account of the migration", account.0))?;
                    let mut after = before.clone();
                    if let Some(login) = login {
                        after.login.clone_from(login);
                    }
                    after.has_password = true;
                    after.make_ready(now);
                    secret::write(change, id, *account, hidden.clone());
                    store::write_moving(change, id, Some(&before), &after);
                    let event = Event::new("migration.password", &after.address).id(account.0);
                    change.record(Chain::Tenant(tenant), event.with("migration", id.0));
                }
                Ok(())
            })
            .await
    }

    /// Takes an old password back: the account does not begin, or stops.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_password(&self, tenant: TenantId, id: MigrationId, account: AccountId) -> Result<(), Error> {
        self.directory
            .transact(async move |change| {
                let migration = found(change, tenant, id).await?;
                let before = store::read_moving(change, id, account).await?;
                let before = before.ok_or_else(|| missing("account of the migration", account.0))?;
                let mut after = before.clone();
                after.has_password = false;
                if migration.delegated.is_none() && !after.state.is_over() {
                    after.state = MovingState::NotStarted;
                    after.ready = None;
                }
                secret::wipe(change, id, account);
                store::write_moving(change, id, Some(&before), &after);
                let event = Event::new("migration.forget", &after.address).id(account.0);
                change.record(Chain::Tenant(tenant), event.with("migration", id.0));
                Ok(())
            })
            .await
    }

    /// Tries a source with an account (MIG-3). Nothing is kept of it.
    ///
    /// # Errors
    /// `Invalid`.
    pub async fn test(
        &self,
        source: &Source,
        login: &str,
        password: &Secret,
        delegated: Option<(&str, Delegation)>,
    ) -> Result<Tested, MigrationError> {
        source
            .check(self.options().clear_allowed)
            .map_err(MigrationError::Invalid)?;
        check_credential("login", login)?;
        check_credential("password", password.reveal())?;
        let sign_in = SignIn {
            login,
            password,
            delegated,
        };
        let tried = match source.protocol {
            Protocol::Imap => self.try_imap(source, &sign_in).await,
            Protocol::Pop3 => self.try_pop3(source, &sign_in).await,
        };
        Ok(tried.unwrap_or_else(|failure| Tested {
            good: false,
            reason: failure.to_string(),
            folders: None,
            messages: None,
        }))
    }

    async fn try_imap(&self, source: &Source, sign_in: &SignIn<'_>) -> Result<Tested, Failure> {
        let mut imap = ImapSource::open(&self.dialer, source, sign_in).await?;
        let (folders, _) = imap.folders().await?;
        let messages = imap.count(b"INBOX").await?;
        imap.close().await;
        Ok(Tested {
            good: true,
            reason: String::new(),
            folders: Some(folders.len() as u64),
            messages,
        })
    }

    async fn try_pop3(&self, source: &Source, sign_in: &SignIn<'_>) -> Result<Tested, Failure> {
        let mut pop3 = Pop3Source::open(&self.dialer, source, sign_in).await?;
        let messages = pop3.messages().await?;
        pop3.close().await;
        Ok(Tested {
            good: true,
            reason: String::new(),
            folders: None,
            messages: Some(messages.len() as u64),
        })
    }

    /// Looks over what a migration needs (MIG-2).
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn check(&self, tenant: TenantId, id: MigrationId) -> Result<Vec<Check>, Error> {
        let (migration, counts) = self.show(tenant, id).await?;
        let mut checks = Vec::new();
        let mut check = |name, good, detail: String| checks.push(Check { name, good, detail });
        let source = &migration.source;
        match self.dialer.address(source).await {
            Ok(address) => check("source-name", true, format!("{} is at {}", source.host, address.ip())),
            Err(failure) => check("source-name", false, failure.to_string()),
        }
        let own = &self.directory.options().own_hosts;
        let is_own = own.iter().any(|own| own.as_str().eq_ignore_ascii_case(&source.host));
        let detail = if is_own {
            "the source is this system itself: the old system needs a name or address of its own"
        } else {
            "the source is another system"
        };
        check("source-not-here", !is_own, detail.to_owned());
        match self.dialer.connect(source).await {
            Ok(_) => check("source-open", true, format!("{}:{} answers", source.host, source.port)),
            Err(failure) => check("source-open", false, failure.to_string()),
        }
        let all = counts.all();
        check(
            "accounts",
            all > 0,
            format!("{all} accounts of {} are here", migration.target_domain),
        );
        let lacking = counts.of(MovingState::NotStarted);
        check(
            "passwords",
            lacking == 0,
            format!("{lacking} accounts wait for their old password"),
        );
        Ok(checks)
    }

    /// The accounts of a migration by their address.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn by_address(&self, tenant: TenantId, id: MigrationId) -> Result<BTreeMap<String, Moving>, Error> {
        let all = self.accounts(tenant, id, None, None, usize::MAX).await?;
        Ok(all.into_iter().map(|moving| (moving.address.clone(), moving)).collect())
    }
}

/// The migrations of a tenant that have not ended.
async fn open_of(change: &mut Change, tenant: TenantId) -> Result<Vec<Migration>, Error> {
    let prefix = key::open();
    let mut open = Vec::new();
    for id in last_ints(change, &prefix, snapshot(prefix.range(), 0)).await? {
        let migration = store::read(change, MigrationId(id)).await?;
        open.extend(migration.filter(|migration| migration.tenant == tenant));
    }
    Ok(open)
}
