//! The actor's side of a mailbox: takes a batch of requests, commits what they change, then answers.
//!
//! Requests are planned one after the other on a copy of the state; the copy becomes the state once the commit has
//! happened. A commit of unknown result is resolved before anything else, by the log: either its entry is there, or a
//! barrier is put where it would have been.

use std::collections::{BTreeSet, VecDeque};

use hongyan_actor::{ActivateError, Entity, Envelope, Replier, RequestId, Tenure};
use hongyan_blob::BlobStore;
use hongyan_env::Env;
use hongyan_kv::fence::Fence;
use hongyan_kv::{CommitVersion, Database, Error as StorageError};
use hongyan_router::{Hint, Hints};
use hongyan_telemetry as telemetry;
use hongyan_types::ModSeq;

use crate::checkpoint::checkpoint;
use crate::load::{load, load_view};
use crate::record::done::Done;
use crate::record::{key, log};
use crate::request::{Body, Reply, Request};
use crate::state::State;
use crate::summary::sum_up;
use crate::work::{Progress, ReadFrom, Step, Stop, Work, permit};
use crate::{EmailId, FolderId, MailboxError, MailboxId, MailboxOptions};

/// How often a batch is tried against conflicts.
const ATTEMPTS_MAX: usize = 20;
/// Commits in the tail from which leaving is worth a checkpoint.
const PASSIVATE_COMMITS: usize = 16;

/// What mailboxes work with.
#[derive(Clone)]
pub struct MailboxServices {
    /// Where they are kept.
    pub database: Database,
    /// Where their bytes are.
    pub blobs: BlobStore,
    /// Clock and randomness.
    pub env: Env,
    /// Where each tells how far it has come: its modseq.
    pub hints: Hints,
    /// How mails are summed up for who lists them; if nobody says, who lists them does it.
    pub sums: Option<crate::BeginSum>,
    /// Bounds.
    pub options: MailboxOptions,
}

/// One mailbox.
pub struct MailboxEntity {
    id: MailboxId,
    services: MailboxServices,
    fence: Fence,
    /// Another node has taken the mailbox over.
    is_deposed: bool,
    /// Absent after a failure that left it in doubt; the next batch reads it again.
    state: Option<State>,
    /// Requests that take several transactions; others go in between.
    unfinished: VecDeque<Job>,
    /// There are mails kept for requests that ended otherwise, and letting go of them works.
    has_orphans: bool,
    metrics: Metrics,
}

struct Metrics {
    requests: telemetry::Counter,
    commits: telemetry::Counter,
    commit_seconds: telemetry::Histogram,
    checkpoints: telemetry::Counter,
    failures: telemetry::Counter,
}

impl Metrics {
    fn new() -> Self {
        Self {
            requests: telemetry::counter("hongyan_mailbox_requests_total", "Requests handled by mailboxes."),
            commits: telemetry::counter("hongyan_mailbox_commits_total", "Transactions mailboxes committed."),
            commit_seconds: telemetry::histogram("hongyan_mailbox_commit_seconds", "Time a mailbox's commit took."),
            checkpoints: telemetry::counter("hongyan_mailbox_checkpoints_total", "Log tails written out."),
            failures: telemetry::counter("hongyan_mailbox_failures_total", "Batches that storage made fail."),
        }
    }
}

/// A request on its way.
struct Job {
    id: RequestId,
    request: Request,
    progress: Progress,
    /// Whether a commit of this life has some of it.
    is_started: bool,
    replier: Replier<Reply>,
}

/// Messages up to which a debug build counts everything again after each commit.
const CHECK_MESSAGES_MAX: u64 = 2_000;

fn check(state: &State) {
    if cfg!(debug_assertions) && state.quota.messages <= CHECK_MESSAGES_MAX {
        state.check();
    }
}

/// What one transaction will answer.
#[derive(Default)]
struct Plan {
    replies: Vec<Reply>,
    /// The request after those needs more transactions.
    more: Option<Progress>,
    /// The last reply is to an erasure.
    erase: bool,
}

impl Entity for MailboxEntity {
    type Key = MailboxId;
    type Request = Request;
    type Reply = Reply;
    type Services = MailboxServices;

    async fn activate(services: MailboxServices, id: MailboxId, tenure: Tenure) -> Result<Self, ActivateError> {
        let mut mailbox = Self {
            id,
            services,
            fence: Fence {
                partition: tenure.partition.0,
                epoch: tenure.epoch.0,
            },
            is_deposed: false,
            state: None,
            unfinished: VecDeque::new(),
            has_orphans: false,
            metrics: Metrics::new(),
        };
        let state = mailbox
            .state()
            .await
            .map_err(|error| ActivateError(error.to_string()))?;
        mailbox.state = Some(state);
        Ok(mailbox)
    }
    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        self.metrics.requests.inc_by(batch.len() as u64);
        let mut jobs = self.jobs(batch);
        // Each is looked at once: what is new first, then what was unfinished makes one more step.
        let mut rounds = jobs.len();
        while !jobs.is_empty() && rounds > 0 {
            let before = jobs.len();
            if let Err(error) = self.commit_some(&mut jobs).await {
                self.metrics.failures.inc();
                if error == StorageError::Fenced {
                    // Nobody here can answer any more: who waits is sent to the new owner when this one ends.
                    self.depose();
                    self.unfinished = jobs;
                    return;
                }
                tracing::warn!(mailbox = ?self.id, %error, "mailbox cannot commit");
                self.state = None;
                for job in jobs.drain(..) {
                    // Who waits for what may pass is told that nobody can say now, and asks again under the same id as
                    // long as there is time.
                    if !error.is_temporary() {
                        job.replier.send(Reply::Refused(MailboxError::Unavailable));
                    }
                }
            }
            rounds = rounds.saturating_sub((before - jobs.len()).max(1));
        }
        self.unfinished = jobs;
        self.sweep_orphans().await;
        self.checkpoint_if_due().await;
        self.sum_up().await;
    }
    fn is_deposed(&self) -> bool {
        self.is_deposed
    }
    fn has_work(&self) -> bool {
        !self.unfinished.is_empty() || self.has_orphans || self.sums_due().is_some()
    }
    fn memory_octets(&self) -> usize {
        self.state.as_ref().map_or(1024, State::memory_octets)
    }
    async fn passivate(&mut self) {
        if self
            .state
            .as_ref()
            .is_some_and(|state| state.tail.len() >= PASSIVATE_COMMITS)
        {
            self.checkpoint().await;
        }
    }
}

impl MailboxEntity {
    fn depose(&mut self) {
        tracing::info!(mailbox = ?self.id, epoch = self.fence.epoch, "mailbox was taken over");
        self.is_deposed = true;
        self.state = None;
    }

    /// The requests to handle: the new ones, then the unfinished. A repeat of one that is not finished takes its place with the
    /// asker, who no longer listens there.
    fn jobs(&mut self, batch: Vec<Envelope<Self>>) -> VecDeque<Job> {
        let mut unfinished = std::mem::take(&mut self.unfinished);
        let mut jobs: VecDeque<Job> = VecDeque::with_capacity(batch.len() + unfinished.len());
        let mut ids = BTreeSet::new();
        for envelope in batch {
            if envelope.is_expired(&self.services.env) {
                continue;
            }
            let id = envelope.id;
            let (request, replier) = envelope.split();
            let is_known =
                id != RequestId::ONCE && (!ids.insert(id) || unfinished.iter().any(|job: &Job| job.id == id));
            let mut earlier = unfinished.iter_mut().chain(&mut jobs);
            match earlier.find(|job| is_known && job.id == id) {
                Some(job) => job.replier = replier,
                None => jobs.push_back(Job {
                    id,
                    request,
                    progress: Progress::default(),
                    is_started: false,
                    replier,
                }),
            }
        }
        jobs.append(&mut unfinished);
        jobs
    }

    /// Lets go of some mails that were kept for requests that did not come to their end: refused later, or begun by an
    /// owner that died.
    async fn sweep_orphans(&mut self) {
        let live: BTreeSet<EmailId> = self
            .unfinished
            .iter()
            .flat_map(|job| job.progress.mails.iter().map(|(email, _)| *email))
            .collect();
        let Some(state) = &self.state else { return };
        let orphans: Vec<EmailId> = state.staged.difference(&live).copied().collect();
        self.has_orphans = !orphans.is_empty();
        if !self.has_orphans {
            return;
        }
        let step = &orphans[..orphans.len().min(self.services.options.expunge_step_messages)];
        match self.let_go(step).await {
            Ok(()) => self.has_orphans = step.len() < orphans.len(),
            Err(StorageError::Fenced) => self.depose(),
            Err(error) => {
                // The next request brings another try.
                tracing::info!(mailbox = ?self.id, %error, "sweep put off");
                self.state = None;
                self.has_orphans = false;
            }
        }
    }

    async fn let_go(&mut self, orphans: &[EmailId]) -> Result<(), StorageError> {
        let services = self.services.clone();
        let mut work = Work::new(&services, self.id, self.fence, self.state().await?, ReadFrom::Present);
        for email in orphans {
            match work.release(*email).await {
                Ok(()) => work.unstage(*email),
                Err(Stop::Storage(error)) => return Err(error),
                Err(Stop::Refused(_) | Stop::NeedView(_)) => {}
            }
        }
        self.commit(work).await
    }

    /// The state, read from storage if it must be.
    async fn state(&mut self) -> Result<State, StorageError> {
        let mut attempt = 0;
        loop {
            if let Some(state) = &self.state {
                return Ok(state.clone());
            }
            attempt += 1;
            match load(&self.services, self.id, self.fence).await {
                Ok(state) => self.state = Some(state),
                // Reading is always safe to repeat, and so is making a mailbox that must not be there.
                Err(StorageError::Conflict | StorageError::TooOld | StorageError::CommitUnknown)
                    if attempt < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Handles as many of the first jobs as one transaction takes, and answers those that are done.
    async fn commit_some(&mut self, jobs: &mut VecDeque<Job>) -> Result<(), StorageError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let reading = match attempt {
                1 if !jobs.iter().any(|job| job.request.body.looks_at_present()) => ReadFrom::Known,
                _ => ReadFrom::Present,
            };
            let error = match self.try_commit(jobs, reading).await {
                Ok(plan) => {
                    self.answer(jobs, plan).await?;
                    return Ok(());
                }
                Err(Stop::NeedView(folder)) => match self.load_view(folder).await {
                    Ok(()) => {
                        attempt -= 1;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(Stop::Refused(refused)) => {
                    // Handlers' refusals are replies; none reaches this.
                    tracing::error!(%refused, "a refusal stopped a batch");
                    return Err(StorageError::Corrupt(refused.to_string()));
                }
                Err(Stop::Storage(error)) => error,
            };
            if !error.is_retryable() || attempt >= ATTEMPTS_MAX {
                return Err(error);
            }
            self.drop_state_if_overtaken().await?;
        }
    }

    async fn try_commit(&mut self, jobs: &VecDeque<Job>, reading: ReadFrom) -> Result<Plan, Stop> {
        let state = self.state().await?;
        let services = self.services.clone();
        let mut work = Work::new(&services, self.id, self.fence, state, reading);
        let mut plan = plan(&mut work, jobs).await?;
        if !work.has_writes() {
            self.state = Some(work.state);
            return Ok(plan);
        }
        self.commit(work).await?;
        // Others of the batch may have changed a folder after its view was taken; a view has all of its commit, or its
        // session would hear a hint of what it believes to have.
        let state = self.state.as_ref();
        for view in plan.replies.iter_mut().filter_map(Reply::view_mut) {
            if let Some(newer) = state.and_then(|state| state.view(view.folder())) {
                *view = newer;
            }
        }
        Ok(plan)
    }

    /// Commits `work`; its state becomes the mailbox's.
    async fn commit(&mut self, work: Work<'_>) -> Result<(), StorageError> {
        let (modseq, nonce) = (work.modseq, work.nonce);
        let (transaction, mut state) = work.seal().await?;
        let timer = self.metrics.commit_seconds.start_timer();
        let committed = transaction.commit().await;
        timer.observe_duration();
        let version = match committed {
            Ok(version) => version,
            Err(StorageError::CommitUnknown) => match self.happened(modseq, nonce).await? {
                Some(version) => version,
                None => return Err(StorageError::Conflict),
            },
            Err(error) => return Err(error),
        };
        self.metrics.commits.inc();
        state.as_of = Some(version);
        check(&state);
        self.state = Some(state);
        let hint = Hint {
            number: modseq.0,
            commit_version: version.0,
        };
        self.services.hints.publish_hint(&self.id, hint);
        Ok(())
    }

    /// Finds out whether the commit of unknown result happened, and makes sure that it no longer can if it has not:
    /// it fails once another entry stands in its place. If it did: a version at which it is seen.
    async fn happened(&mut self, modseq: ModSeq, nonce: u64) -> Result<Option<CommitVersion>, StorageError> {
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = self.services.database.begin();
            let log_key = key::log(self.id, modseq);
            match transaction.get(&log_key).await {
                Ok(Some(stored)) if log::decode(modseq, &stored)?.nonce != nonce => return Ok(None),
                Ok(Some(_)) => match transaction.read_version().await {
                    Err(error) if error.is_retryable() => continue,
                    version => return version.map(Some),
                },
                Ok(None) => {}
                Err(error) if error.is_retryable() => continue,
                Err(error) => return Err(error),
            }
            match self.fence.check(&mut transaction).await {
                Ok(()) => {}
                Err(error) if error.is_retryable() => continue,
                Err(error) => return Err(error),
            }
            let Some(state) = &self.state else { break };
            let barrier = crate::change::LogEntry {
                modseq,
                nonce: self.services.env.random_u64(),
                email_next: state.email_next,
                octets: state.quota.octets,
                messages: state.quota.messages,
                changes: Vec::new(),
                folders: Vec::new(),
            };
            transaction.set(log_key, log::encode(&barrier));
            match transaction.commit().await {
                Ok(_) | Err(StorageError::Conflict | StorageError::TooOld | StorageError::CommitUnknown) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StorageError::CommitUnknown)
    }

    /// Forgets the state when the log has gone on without it.
    async fn drop_state_if_overtaken(&mut self) -> Result<(), StorageError> {
        let Some(state) = &self.state else { return Ok(()) };
        let next = key::log(self.id, ModSeq(state.modseq.0 + 1));
        match self.services.database.begin().get_snapshot(&next).await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => {
                self.state = None;
                Ok(())
            }
            Err(error) if error.is_retryable() => {
                self.state = None;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn load_view(&mut self, folder: FolderId) -> Result<(), StorageError> {
        let state = self.state().await?;
        let view = load_view(&self.services, self.id, self.fence, &state, folder).await?;
        if let Some(found) = self.state.as_mut().and_then(|state| state.folder_mut(folder)) {
            found.view = Some(view);
        }
        self.state.iter().for_each(check);
        Ok(())
    }

    async fn answer(&mut self, jobs: &mut VecDeque<Job>, plan: Plan) -> Result<(), StorageError> {
        if plan.erase {
            self.erase().await?;
        }
        for reply in plan.replies {
            if let Some(job) = jobs.pop_front() {
                job.replier.send(reply);
            }
        }
        if let Some(progress) = plan.more
            && let Some(mut job) = jobs.pop_front()
        {
            job.progress = progress;
            job.is_started = true;
            jobs.push_back(job);
        }
        Ok(())
    }

    /// Removes every key of the emptied mailbox. Safe to repeat, so an unknown result is tried again.
    async fn erase(&mut self) -> Result<(), StorageError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.clear_all().await {
                Err(StorageError::Conflict | StorageError::TooOld | StorageError::CommitUnknown)
                    if attempt < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.state = None;
                    return Ok(());
                }
            }
        }
    }
    async fn clear_all(&self) -> Result<(), StorageError> {
        let mut transaction = self.services.database.begin();
        self.fence.check(&mut transaction).await?;
        transaction.clear_range(key::mailbox(self.id).range());
        transaction.commit().await.map(|_| ())
    }

    /// Which mails are to be summed up, and how.
    fn sums_due(&self) -> Option<(u64, crate::BeginSum)> {
        let number = self.state.as_ref()?.sums_due()?;
        Some((number, self.services.sums?))
    }
    /// Sums up some mails. Who lists mails does it for those with which it fails.
    async fn sum_up(&mut self) {
        let Some((number, begin)) = self.sums_due() else {
            return;
        };
        if let Err(error) = sum_up(&self.services.database, self.id, number, begin).await {
            tracing::debug!(mailbox = ?self.id, %error, "mails are not summed up");
        }
        if let Some(state) = &mut self.state {
            state.summed = number + 1;
        }
    }

    async fn checkpoint_if_due(&mut self) {
        let Some(state) = &self.state else { return };
        let options = &self.services.options;
        let messages = || {
            let changes = state.tail.iter().flat_map(|entry| &entry.changes);
            changes.map(crate::change::Change::message_count).sum::<usize>()
        };
        if state.tail.len() >= options.checkpoint_commits || messages() >= options.checkpoint_messages {
            self.checkpoint().await;
        }
    }

    async fn checkpoint(&mut self) {
        let Some(state) = &self.state else { return };
        match checkpoint(&self.services, self.id, self.fence, state).await {
            Ok(next) => {
                self.metrics.checkpoints.inc();
                self.state = Some(next);
            }
            Err(StorageError::Fenced) => self.depose(),
            Err(error) => {
                // Nothing depends on it: what is stored is right with or without it. What is in memory is read again.
                tracing::info!(mailbox = ?self.id, %error, "checkpoint put off");
                self.state = None;
            }
        }
    }
}

/// Plans the first jobs, as many as the transaction takes.
async fn plan(work: &mut Work<'_>, jobs: &VecDeque<Job>) -> Result<Plan, Stop> {
    look_ahead(work, jobs);
    let mut plan = Plan::default();
    for job in jobs {
        if !work.has_room(job.request.octets()) {
            break;
        }
        let mut progress = job.progress.clone();
        let step = visit(work, job, &mut progress).await;
        match step {
            Ok(Step::Done(reply)) => {
                plan.erase = matches!(reply, Reply::Erase(_));
                plan.replies.push(reply);
                if plan.erase {
                    break;
                }
            }
            Ok(Step::More) => {
                plan.more = Some(progress);
                break;
            }
            Err(Stop::Refused(error)) => plan.replies.push(Reply::Refused(error)),
            Err(stop) => return Err(stop),
        }
    }
    Ok(plan)
}

/// Mails that are looked at ahead in one transaction, about as many as it takes.
const AHEAD: usize = 64;

/// Has what these jobs are known to read on its way, where reading means waiting.
fn look_ahead(work: &mut Work<'_>, jobs: &VecDeque<Job>) {
    if !work.transaction.is_far() || jobs.iter().all(|job| job.request.body.reads_memory()) {
        return;
    }
    work.look_ahead();
    for job in jobs.iter().take(AHEAD) {
        job.request.body.look_ahead(work);
    }
}

/// Does a request, or what of it whoever asks may do.
async fn visit(work: &mut Work<'_>, job: &Job, progress: &mut Progress) -> Result<Step<Reply>, Stop> {
    let request = &job.request;
    let step = match recall(work, job, progress).await? {
        // What was done was allowed, and what it was about may be gone since.
        Some(reply) => Step::Done(reply),
        None => {
            let other = match &request.permit {
                Some(permit) => permit::admit(&work.state, permit, &request.body)?,
                None => None,
            };
            let body = other.as_ref().unwrap_or(&request.body);
            handle(work, job, body, progress).await?
        }
    };
    Ok(step.map(|mut reply| {
        if let Some(permit) = &request.permit {
            permit::narrow(permit, &mut reply);
        }
        reply
    }))
}

/// The reply to a request that was done before; or its progress, if it was begun.
async fn recall(work: &mut Work<'_>, job: &Job, progress: &mut Progress) -> Result<Option<Reply>, Stop> {
    if job.is_started || !job.request.body.is_remembered() || job.id == RequestId::ONCE {
        return Ok(None);
    }
    match work.recall(job.id).await? {
        None => Ok(None),
        Some(Done::Underway(made)) => {
            *progress = made;
            Ok(None)
        }
        Some(Done::Finished(outcome)) => job.request.body.answer_again(outcome, work).map(Some),
    }
}

/// Does what one transaction takes of a request, and remembers it.
async fn handle(work: &mut Work<'_>, job: &Job, body: &Body, progress: &mut Progress) -> Result<Step<Reply>, Stop> {
    let before = work.octets();
    let (changes, deleted) = (work.changes_made(), work.to_be_deleted(body));
    let step = body.handle(work, progress).await?;
    let by = (job.request.acting, job.request.client);
    work.note_removals(body, by, (changes, deleted.as_deref())).await?;
    let acting = job.request.acting.map(|person| (person, deleted));
    // What changed nothing, now or in a step before, may be done again.
    let has_changed = work.octets() > before || job.is_started || progress.span.is_some();
    if let (Some((person, deleted)), Step::Done(reply)) = (acting, &step)
        && has_changed
    {
        work.note_act(person, body, reply, deleted);
    }
    if job.id == RequestId::ONCE {
        return Ok(step);
    }
    let done = match &step {
        Step::Done(reply) if has_changed => body.outcome(reply).map(Done::Finished),
        Step::More if body.carries_on() => Some(Done::Underway(progress.clone())),
        _ => None,
    };
    if let Some(done) = done {
        work.remember(job.id, &done).await?;
    }
    Ok(step)
}
