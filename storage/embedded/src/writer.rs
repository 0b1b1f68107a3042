//! The commit thread: checks, writes, syncs, publishes, answers, in that order, a batch at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::RwLock;

use hongyan_kv::optimistic::{CommitRequest, ConflictWindow, Write, add};
use hongyan_kv::{CommitVersion, Error, Result, TRANSACTION_SECS_MAX};

use crate::engine::{Engine, EngineSnapshot};
use crate::fault::Io;
use crate::metric::Metrics;
use crate::options::EmbeddedOptions;
use crate::queue::{Queue, Waiting};
use crate::recover::HEALTH_CONDITION;
use crate::shared::Shared;
use crate::view::View;

/// What one batch does to each key.
pub(crate) type Pending = BTreeMap<Bytes, Option<Bytes>>;

/// A view that transactions may still read, and when a newer one replaced it.
pub(crate) struct Published {
    pub(crate) view: Weak<View>,
    pub(crate) version: CommitVersion,
    replaced_micros: u64,
}

pub(crate) struct Writer {
    pub(crate) folder: PathBuf,
    pub(crate) options: EmbeddedOptions,
    pub(crate) io: Io,
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: Metrics,
    /// None while the disk does not let us reopen it.
    pub(crate) engine: Option<Engine>,
    /// Whether the engine failed and has to be reopened before the next write; why, and when to try.
    pub(crate) failed: Option<Failed>,
    /// Why commits are refused, as health and log have been told.
    pub(crate) trouble: Option<String>,
    /// The newest version given to a commit, whether it succeeded or not.
    pub(crate) version: CommitVersion,
    /// The version of the newest batch that is known to be durable.
    pub(crate) acknowledged: CommitVersion,
    pub(crate) window: ConflictWindow,
    pub(crate) published: VecDeque<Published>,
    _lock: File,
}

/// Why the store does not write now.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) reason: String,
    pub(crate) retry_micros: u64,
}

/// A batch after the check against recent writes.
struct Checked {
    /// What passed, with its version.
    admitted: Vec<(Waiting, CommitVersion)>,
    refused: Vec<(Waiting, Error)>,
    /// Whether the writes of all that passed could be put together.
    gathered: Result<()>,
}

/// The commit thread's state and what it shares with transactions.
pub(crate) fn start(
    folder: &Path,
    options: EmbeddedOptions,
    io: Io,
    engine: Engine,
    lock: File,
) -> (Arc<Shared>, Writer) {
    let version = engine.version();
    let down = Arc::new(AtomicBool::new(false));
    let view = View::new(version, engine.snapshot(), &down);
    let published = Published {
        view: Arc::downgrade(&view),
        version,
        replaced_micros: u64::MAX,
    };
    let shared = Arc::new(Shared {
        clock: Arc::clone(&options.clock),
        waiting_max: options.waiting_max,
        view: RwLock::new(view),
        queue: Queue::default(),
        watches: Arc::default(),
        down,
    });
    let metrics = Metrics::register(options.store);
    let writer = Writer {
        folder: folder.to_owned(),
        options,
        io,
        shared: Arc::clone(&shared),
        metrics,
        engine: Some(engine),
        failed: None,
        trouble: None,
        version,
        acknowledged: version,
        window: ConflictWindow::new(version),
        published: VecDeque::from([published]),
        _lock: lock,
    };
    (shared, writer)
}

impl Writer {
    /// Commits until the store is closed.
    pub(crate) fn run(mut self) {
        let mut waiting = Vec::new();
        while self.shared.queue.take(&mut waiting) {
            self.metrics
                .waiting
                .set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
            let mut rest = waiting.drain(..).peekable();
            while rest.peek().is_some() {
                let batch = cut(&mut rest, self.options.batch_octets_max);
                self.commit(batch);
            }
        }
    }

    pub(crate) fn now_micros(&self) -> u64 {
        (self.shared.clock)()
    }
    fn commit(&mut self, batch: Vec<Waiting>) {
        let batch = self.pass_disk(batch);
        if batch.is_empty() {
            return;
        }
        self.forget();
        let mut pending = Pending::new();
        let Checked {
            admitted,
            refused,
            gathered,
        } = self.admit(batch, &mut pending);
        let outcome = match gathered {
            Ok(()) if admitted.is_empty() => Ok(()),
            Ok(()) => self.make_durable(pending),
            Err(error) => Err(error),
        };
        if outcome.is_ok() && !admitted.is_empty() {
            self.publish(self.version);
            admitted
                .iter()
                .for_each(|(waiting, _)| self.shared.watches.fire(&waiting.request.writes));
            self.metrics.batch_transactions.observe(admitted.len() as f64);
        }
        // Those refused hear it now, first of all, so that they try again on what they have conflicted with and before
        // the others come again.
        for (waiting, error) in refused {
            self.metrics.conflicts.inc();
            let _ = waiting.answer.send(Err(error));
        }
        let answer = |(waiting, version)| (waiting, outcome.clone().map(|()| version));
        self.answer_all(admitted.into_iter().map(answer));
    }
    fn make_durable(&mut self, pending: Pending) -> Result<()> {
        if let Err(error) = self.write(pending) {
            self.fail(&error);
            return Err(error);
        }
        self.sync().or_else(|error| {
            self.fail(&error);
            self.resolve()
        })
    }
    /// Parts those that conflict from the others, and gathers the writes of these.
    fn admit(&mut self, batch: Vec<Waiting>, pending: &mut Pending) -> Checked {
        let mut checked = Checked {
            admitted: Vec::with_capacity(batch.len()),
            refused: Vec::new(),
            gathered: Ok(()),
        };
        let Some(engine) = &self.engine else {
            checked.gathered = Err(Error::Closed);
            return checked;
        };
        let mut base = None;
        for waiting in batch {
            if let Err(error) = self.window.check(&waiting.request) {
                checked.refused.push((waiting, error));
                continue;
            }
            self.version.0 += 1;
            if checked.gathered.is_ok() {
                checked.gathered = gather(&waiting.request, engine, &mut base, pending);
            }
            self.window.record(&waiting.request, self.version);
            checked.admitted.push((waiting, self.version));
        }
        checked
    }
    fn write(&mut self, pending: Pending) -> Result<()> {
        let version = self.version;
        self.io
            .before_write()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let octets = pending
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len))
            .sum::<usize>();
        let engine = self.engine.as_mut().ok_or(Error::Closed)?;
        engine.write(version, pending.into_iter())?;
        self.metrics.octets.inc_by(octets as u64);
        Ok(())
    }
    fn sync(&mut self) -> Result<()> {
        let began = self.now_micros();
        self.io
            .before_sync()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        self.engine.as_ref().ok_or(Error::Closed)?.sync()?;
        self.metrics.syncs.inc();
        self.metrics
            .sync_latency
            .observe(seconds(self.now_micros().saturating_sub(began)));
        Ok(())
    }
    pub(crate) fn answer_all(&self, answers: impl Iterator<Item = (Waiting, Result<CommitVersion>)>) {
        let now = self.now_micros();
        for (waiting, answer) in answers {
            match &answer {
                Ok(_) => {
                    self.metrics.commits.inc();
                    self.metrics
                        .latency
                        .observe(seconds(now.saturating_sub(waiting.asked_micros)));
                }
                Err(_) => self.metrics.failures.inc(),
            }
            // Who asked may have gone; the commit stands all the same.
            let _ = waiting.answer.send(answer);
        }
    }

    /// Shows the newest batch to all transactions that begin from now on.
    pub(crate) fn publish(&mut self, version: CommitVersion) {
        let Some(engine) = &self.engine else { return };
        self.acknowledged = version;
        let view = View::new(version, engine.snapshot(), &self.shared.down);
        let now = self.now_micros();
        if let Some(replaced) = self.published.back_mut() {
            replaced.replaced_micros = now;
        }
        self.published.push_back(Published {
            view: Arc::downgrade(&view),
            version,
            replaced_micros: u64::MAX,
        });
        let replaced = std::mem::replace(&mut *self.shared.view.write(), view);
        drop(replaced);
    }
    /// Takes all views away from their readers.
    pub(crate) fn revoke_views(&mut self) {
        self.published
            .drain(..)
            .filter_map(|published| published.view.upgrade())
            .for_each(|view| view.revoke());
    }
    /// Drops from the window what no transaction can conflict with any more: those on a view that was replaced longer
    /// ago than a transaction may last are too old anyway.
    fn forget(&mut self) {
        let now = self.now_micros();
        let over = |published: &Published| {
            published.view.strong_count() == 0
                || now.saturating_sub(published.replaced_micros) > TRANSACTION_SECS_MAX * 1_000_000
        };
        while let Some(published) = self.published.pop_front_if(|published| over(published)) {
            // Whoever still holds it must not keep the engine from collecting old values.
            published.view.upgrade().inspect(|view| view.revoke());
        }
        if let Some(oldest) = self.published.front() {
            self.window.forget(oldest.version);
        }
    }
}

/// Runs when the store is closed, and when the thread panics: nobody may wait for it for ever.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue.close();
        drop(self.shared.queue.take_rest());
        if std::thread::panicking() {
            self.options
                .health
                .not_ready(HEALTH_CONDITION, "the commit thread panicked");
        }
        self.shared.down.store(true, Ordering::SeqCst);
        self.revoke_views();
        self.shared.watches.end_all(&Err(Error::Closed));
    }
}

/// Takes commits from the front until they are about `octets_max` together.
fn cut(rest: &mut impl Iterator<Item = Waiting>, octets_max: usize) -> Vec<Waiting> {
    let mut octets = 0;
    let mut batch = Vec::new();
    for waiting in rest {
        octets += waiting.request.writes.octets();
        batch.push(waiting);
        if octets >= octets_max {
            break;
        }
    }
    batch
}

/// Adds what a request does to what the batch does so far; `base` is the state before the batch, opened if needed.
fn gather(
    request: &CommitRequest,
    engine: &Engine,
    base: &mut Option<EngineSnapshot>,
    pending: &mut Pending,
) -> Result<()> {
    for range in request.writes.cleared() {
        let base = base.get_or_insert_with(|| engine.snapshot());
        for (_, value) in pending.range_mut(range.begin.clone()..range.end.clone()) {
            *value = None;
        }
        pending.extend(base.keys(&range)?.into_iter().map(|key| (key, None)));
    }
    for (key, write) in request.writes.entries() {
        let value = match write {
            Write::Set(value) => Some(value.clone()),
            Write::Clear => None,
            Write::Add(delta) => {
                let before = match pending.get(key) {
                    Some(value) => value.clone(),
                    None => base.get_or_insert_with(|| engine.snapshot()).get(key)?,
                };
                Some(add(before.as_deref(), *delta))
            }
        };
        pending.insert(key.clone(), value);
    }
    Ok(())
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
