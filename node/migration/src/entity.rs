//! The actor around one migration: takes accounts in, sees that a few of them are worked on at a time, and notes what became
//! of each.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use hongyan_actor::{ActivateError, Entity, Envelope, Tenure};
use hongyan_blob::BlobStore;
use hongyan_directory::{AccountKind, Directory, Error};
use hongyan_env::Env;
use hongyan_kv::fence::Fence;
use hongyan_router::{Ask, Router};
use hongyan_seal::Sealer;
use hongyan_types::{AccountId, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::dial::Dialer;
use crate::failure::Failure;
use crate::job::Job;
use crate::ledger::Ledger;
use crate::{Migration, MigrationId, MigrationState, Moving, MovingState, key, news, secret, store};

/// Accounts taken in by one transaction.
const ENROLLED_AT_ONCE: usize = 200;
/// Memory of one account under way, roughly.
const JOB_OCTETS: usize = 4 << 20;

/// What migrations work with.
#[derive(Clone)]
pub struct MigrationServices {
    /// The clock.
    pub env: Env,
    /// Whose mailboxes there are.
    pub directory: Directory,
    /// The way to mailboxes.
    pub router: Router,
    /// Message text.
    pub blobs: BlobStore,
    /// The way to sources.
    pub dialer: Dialer,
    /// Opens passwords.
    pub sealer: Sealer,
    /// Connections to sources that this node may have.
    pub permits: Arc<Semaphore>,
}

/// What a migration is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationRequest {
    /// [`Look`]
    Look,
}

/// It has looked.
pub type MigrationReply = ();

/// Look at what there is to do: something has changed, or time has passed.
#[derive(Debug, Clone, Copy)]
pub struct Look;

impl Ask for Look {
    type Entity = MigrationEntity;
    type Reply = MigrationReply;
    fn into_request(self) -> MigrationRequest {
        MigrationRequest::Look
    }
    fn from_reply(reply: MigrationReply) -> Option<MigrationReply> {
        Some(reply)
    }
}

/// A migration.
pub struct MigrationEntity {
    worker: Worker,
    workers: Vec<JoinHandle<()>>,
    is_deposed: bool,
}

impl Entity for MigrationEntity {
    type Key = MigrationId;
    type Request = MigrationRequest;
    type Reply = MigrationReply;
    type Services = MigrationServices;

    async fn activate(services: MigrationServices, key: MigrationId, tenure: Tenure) -> Result<Self, ActivateError> {
        Ok(Self {
            worker: Worker {
                services,
                id: key,
                fence: Fence {
                    partition: tenure.partition.0,
                    epoch: tenure.epoch.0,
                },
                under_way: Rc::default(),
            },
            workers: Vec::new(),
            is_deposed: false,
        })
    }

    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        match self.look().await {
            Err(Failure::Stopped) => self.is_deposed = true,
            Err(failure) => tracing::warn!(event = "migration_not_looked_at", migration = self.worker.id.0, %failure),
            Ok(()) => {}
        }
        for envelope in batch {
            envelope.split().1.send(());
        }
    }

    fn is_deposed(&self) -> bool {
        self.is_deposed
    }

    fn memory_octets(&self) -> usize {
        1_024 + self.workers.len() * JOB_OCTETS
    }

    async fn passivate(&mut self) {
        self.stop();
    }
}

impl Drop for MigrationEntity {
    fn drop(&mut self) {
        self.stop();
    }
}

impl MigrationEntity {
    /// What is under way ends at once: what it has noted stays, the rest is done again.
    fn stop(&mut self) {
        for worker in self.workers.drain(..) {
            worker.abort();
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let Some(migration) = self.worker.read().await? else {
            self.stop();
            return Ok(());
        };
        if migration.state != MigrationState::Moving {
            self.stop();
            return Ok(());
        }
        let migration = self.worker.enrol(migration).await?;
        if self.worker.end_if_over(&migration).await? {
            return Ok(());
        }
        self.workers.retain(|worker| !worker.is_finished());
        let wanted = self.worker.waiting().await?;
        let most = self.worker.services.dialer.options.jobs_per_source_max.max(1);
        for _ in 0..wanted.min(most.saturating_sub(self.workers.len())) {
            let worker = self.worker.clone();
            self.workers.push(tokio::task::spawn_local(worker.work()));
        }
        Ok(())
    }
}

/// Works on one account after the other; clones share what is under way.
#[derive(Clone)]
struct Worker {
    services: MigrationServices,
    id: MigrationId,
    fence: Fence,
    under_way: Rc<RefCell<BTreeSet<AccountId>>>,
}

/// An account that is under way, until this goes.
struct Claim {
    account: AccountId,
    under_way: Rc<RefCell<BTreeSet<AccountId>>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.under_way.borrow_mut().remove(&self.account);
    }
}

fn words(error: Error) -> Failure {
    match error {
        Error::Storage(error) => error.into(),
        error => Failure::Target(error.to_string()),
    }
}

impl Worker {
    fn now(&self) -> Timestamp {
        Timestamp {
            millis: self.services.env.wall_millis(),
        }
    }

    async fn read(&self) -> Result<Option<Migration>, Failure> {
        let mut transaction = self.services.directory.database().begin();
        Ok(store::read(&mut transaction, self.id).await?)
    }

    /// Accounts that can be worked on and are not.
    async fn ready(&self) -> Result<Vec<AccountId>, Failure> {
        let most = self.services.dialer.options.jobs_per_source_max.max(1) * 2;
        let mut transaction = self.services.directory.database().begin();
        let mut ready = store::ready(&mut transaction, self.id, self.now(), most).await?;
        ready.retain(|account| !self.under_way.borrow().contains(account));
        Ok(ready)
    }

    async fn waiting(&self) -> Result<usize, Failure> {
        Ok(self.ready().await?.len())
    }

    /// Takes accounts in that are there, page by page.
    async fn enrol(&self, mut migration: Migration) -> Result<Migration, Failure> {
        loop {
            let takes_more = migration.takes_new && self.now() < migration.accepts_until;
            if migration.is_enrolled && !takes_more {
                return Ok(migration);
            }
            let after = Some(migration.enrolled).filter(|after| after.0 != 0);
            let directory = &self.services.directory;
            let page = directory.accounts(migration.tenant, after, ENROLLED_AT_ONCE).await;
            let page = page.map_err(words)?;
            let is_last = page.len() < ENROLLED_AT_ONCE;
            if page.is_empty() && migration.is_enrolled {
                return Ok(migration);
            }
            migration = self.enrol_page(&page, is_last).await?;
            if is_last {
                return Ok(migration);
            }
        }
    }

    async fn enrol_page(&self, page: &[hongyan_directory::AccountRecord], is_last: bool) -> Result<Migration, Failure> {
        let (fence, id, now) = (self.fence, self.id, self.now());
        let env = &self.services.env;
        let notices: Vec<_> = page
            .iter()
            .map(|account| (account, news::begin(env, account.id)))
            .collect();
        let done = self.services.directory.transact(async |change| {
            fence.check(change).await?;
            let Some(mut migration) = store::read(change, id).await? else {
                return Err(Error::Storage(hongyan_kv::Error::Fenced));
            };
            for (account, notice) in &notices {
                migration.enrolled = account.id;
                let is_theirs = account.address.domain.as_str() == migration.target_domain;
                if account.kind != AccountKind::Member || !is_theirs {
                    continue;
                }
                if store::read_moving(change, id, account.id).await?.is_some() {
                    continue;
                }
                let login = format!("{}@{}", account.address.local, migration.source_domain);
                let mut moving = Moving::new(account.id, account.address.to_string(), login);
                if migration.delegated.is_some() {
                    moving.make_ready(now);
                }
                store::write_moving(change, id, None, &moving);
                if migration.tells {
                    change.send(notice);
                }
            }
            migration.is_enrolled |= is_last;
            store::write(change, &migration);
            Ok(migration)
        });
        done.await.map_err(words)
    }

    /// Ends the migration when nothing is to come any more.
    async fn end_if_over(&self, migration: &Migration) -> Result<bool, Failure> {
        if !migration.is_enrolled {
            return Ok(false);
        }
        let mut transaction = self.services.directory.database().begin();
        let counts = store::counts(&mut transaction, self.id).await?;
        let [not_started, preparing, running, waiting, ..] = counts;
        let accepts = self.now() < migration.accepts_until;
        let is_busy = preparing + running + waiting > 0;
        if is_busy || (accepts && (not_started > 0 || migration.takes_new)) {
            return Ok(false);
        }
        let notice = news::ended(&self.services.env, migration, &counts);
        let (id, now, fence) = (self.id, self.now(), self.fence);
        let ended = self.services.directory.transact(async |change| {
            fence.check(change).await?;
            let Some(mut migration) = store::read(change, id).await? else {
                return Ok(());
            };
            if migration.state == MigrationState::Moving {
                migration.state = MigrationState::Ended;
                migration.ended = Some(now);
                store::write(change, &migration);
                change.record(
                    hongyan_audit::Chain::Tenant(migration.tenant),
                    hongyan_audit::Event::new("migration.end", &migration.source_domain).id(id.0),
                );
                change.send(&notice);
            }
            Ok(())
        });
        ended.await.map_err(words)?;
        tracing::info!(event = "migration_ended", migration = self.id.0);
        Ok(true)
    }

    /// Works until nothing is ready.
    async fn work(self) {
        loop {
            let claim = match self.ready().await {
                Ok(ready) => ready.into_iter().find_map(|account| self.claim(account)),
                Err(failure) => return tracing::debug!(event = "migration_not_read", %failure),
            };
            let Some(claim) = claim else { return };
            let Ok(_permit) = self.services.permits.acquire().await else {
                return;
            };
            if let Err(failure) = self.move_account(claim.account).await {
                return tracing::debug!(event = "migration_not_noted", %failure);
            }
        }
    }

    fn claim(&self, account: AccountId) -> Option<Claim> {
        self.under_way.borrow_mut().insert(account).then(|| Claim {
            account,
            under_way: Rc::clone(&self.under_way),
        })
    }

    async fn move_account(&self, account: AccountId) -> Result<(), Failure> {
        let ledger = Ledger {
            database: self.services.directory.database().clone(),
            fence: self.fence,
            id: self.id,
            account,
            troubles_max: self.services.dialer.options.troubles_per_account_max,
        };
        let done = match self.job(&ledger).await {
            Ok(job) => job.run().await,
            Err(failure) => Err(failure),
        };
        let moving = match done {
            Ok(moving) => moving,
            Err(Failure::Stopped) => return Err(Failure::Stopped),
            Err(failure) => self.note_failure(&ledger, &failure).await?,
        };
        if moving.state.is_over() {
            let notice = news::of_account(&self.services.env, &moving);
            self.services.directory.send(&notice).await.map_err(words)?;
        }
        Ok(())
    }

    async fn job(&self, ledger: &Ledger) -> Result<Job, Failure> {
        let migration = self.read().await?.ok_or(Failure::Stopped)?;
        let whose = match migration.delegated {
            Some(_) => secret::ADMINISTRATOR,
            None => ledger.account,
        };
        let mut transaction = ledger.database.begin();
        let sealed = secret::read(&mut transaction, self.id, whose).await?;
        let sealed = sealed.ok_or_else(|| Failure::NoPassword("the old password is missing".to_owned()))?;
        let password = secret::open(&self.services.sealer, self.id, whose, &sealed)
            .map_err(|error| Failure::NoPassword(error.to_string()))?;
        Ok(Job {
            dialer: self.services.dialer.clone(),
            directory: self.services.directory.clone(),
            router: self.services.router.clone(),
            blobs: self.services.blobs.clone(),
            ledger: ledger.clone(),
            migration,
            password,
        })
    }

    /// What becomes of an account that could not be worked on: it waits, or has failed.
    async fn note_failure(&self, ledger: &Ledger, failure: &Failure) -> Result<Moving, Failure> {
        let (now, options) = (self.now(), Arc::clone(&self.services.dialer.options));
        let jitter = self.services.env.random_u64() % 1_000;
        let reason = failure.to_string();
        tracing::info!(event = "migration_stopped_at", migration = self.id.0, account = ledger.account.0, %reason);
        let later = |span: std::time::Duration| Timestamp {
            millis: now
                .millis
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        };
        ledger
            .change(|moving| {
                moving.reason.clone_from(&reason);
                match failure {
                    Failure::Full => {
                        moving.state = MovingState::Waiting;
                        moving.ready = Some(later(options.full_pause));
                    }
                    Failure::Slow(_) | Failure::Target(_) | Failure::Storage(_) => {
                        let since = *moving.failing_since.get_or_insert(now);
                        let failing = u128::try_from(now.millis.saturating_sub(since.millis)).unwrap_or(0);
                        moving.attempts = moving.attempts.saturating_add(1);
                        if failing >= options.give_up_after.as_millis() {
                            moving.state = MovingState::GivenUp;
                            moving.ready = None;
                            moving.finished = Some(now);
                            return;
                        }
                        let doubled = options.retry_min.saturating_mul(1 << (moving.attempts - 1).min(20));
                        let pause = doubled.min(options.retry_max);
                        moving.state = MovingState::Waiting;
                        moving.ready = Some(later(
                            pause + pause.mul_f64(0.0001).saturating_mul(u32::try_from(jitter).unwrap_or(0)),
                        ));
                    }
                    _ => {
                        moving.state = MovingState::Failed;
                        moving.ready = None;
                        moving.finished = Some(now);
                    }
                }
            })
            .await
    }
}

/// Where accounts of a migration are, for who reads them.
pub(crate) fn accounts_prefix(id: MigrationId) -> hongyan_kv::Tuple {
    key::accounts(id)
}
