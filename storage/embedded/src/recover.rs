//! What the commit thread does when the disk refuses: it stops writing, tries again at intervals, and reopens the
//! engine, which alone tells what had reached the disk.
//!
//! A write that fails leaves nothing: its end is never in the journal. After a sync that fails nobody knows, and the
//! system may even say later that the lost pages are clean; so the reopened engine moves all it has to new files and
//! empties the journal before anything is acknowledged again.

use std::sync::atomic::Ordering;

use hongyan_kv::optimistic::ConflictWindow;
use hongyan_kv::{Error, Result};

use crate::engine::Engine;
use crate::queue::Waiting;
use crate::writer::{Failed, Writer};

/// The name under which readiness tells that commits are refused.
pub(crate) const HEALTH_CONDITION: &str = "storage";
/// The floor of free space for transactions that remove something is this many times lower.
const REMOVALS_FLOOR_DIVISOR: u64 = 4;

/// How long background work may hold a commit up before it is refused.
const BEHIND_MILLIS_MAX: u64 = 3_000;

impl Writer {
    /// Answers the commits that the disk does not take now, and leaves those that may be written.
    pub(crate) fn pass_disk(&mut self, batch: Vec<Waiting>) -> Vec<Waiting> {
        let floor = self.options.free_octets_min;
        let free = match self.check_engine() {
            Ok(free) if free >= floor => {
                self.tell(None);
                return batch;
            }
            Ok(free) => free,
            Err(error) => {
                self.tell(Some(&error));
                self.answer_all(batch.into_iter().map(|waiting| (waiting, Err(error.clone()))));
                return Vec::new();
            }
        };
        let error = Error::Unavailable(format!("{free} octets free, below the {floor} kept"));
        self.tell(Some(&error));
        // What removes may make room, as long as there is some left for it to be written.
        let (passed, refused) = batch.into_iter().partition::<Vec<_>, _>(|waiting| {
            free >= floor / REMOVALS_FLOOR_DIVISOR && waiting.request.writes.removes()
        });
        self.answer_all(refused.into_iter().map(|waiting| (waiting, Err(error.clone()))));
        passed
    }
    /// Octets free when the engine can be written to; recovers from an earlier failure when it is time to try.
    fn check_engine(&mut self) -> Result<u64> {
        let free = self.free_octets()?;
        if let Some(failed) = &self.failed {
            if self.now_micros() < failed.retry_micros {
                return Err(Error::Unavailable(failed.reason.clone()));
            }
            self.recover()?;
        }
        self.keep_up()?;
        Ok(free)
    }
    fn free_octets(&self) -> Result<u64> {
        let free = self
            .io
            .free_octets(&self.folder)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        self.metrics.free.set(i64::try_from(free).unwrap_or(i64::MAX));
        Ok(free)
    }
    /// Tells log and health when commits begin and cease to be refused.
    fn tell(&mut self, error: Option<&Error>) {
        let trouble = error.map(ToString::to_string);
        match (&self.trouble, &trouble) {
            (None, Some(reason)) => tracing::error!(reason, "storage refuses commits"),
            (Some(_), None) => tracing::info!("storage takes commits again"),
            _ => {}
        }
        match &trouble {
            None if self.trouble.is_none() => return,
            None => self.options.health.ready(HEALTH_CONDITION),
            Some(reason) => self.options.health.not_ready(HEALTH_CONDITION, reason.clone()),
        }
        self.trouble = trouble;
    }
    /// Notes that the engine must not be written to any more. Readers keep the view they have, which is durable.
    pub(crate) fn fail(&mut self, error: &Error) {
        tracing::warn!(%error, "storage write failed");
        self.failed = Some(Failed {
            reason: error.to_string(),
            retry_micros: self.now_micros() + self.options.recover_interval_millis * 1_000,
        });
    }
    /// Finds out whether the batch whose sync failed is there.
    pub(crate) fn resolve(&mut self) -> Result<()> {
        let version = self.version;
        let reason = self
            .failed
            .as_ref()
            .map_or_else(String::new, |failed| failed.reason.clone());
        self.recover().map_err(|_| Error::CommitUnknown)?;
        let recovered = self.engine.as_ref().map(Engine::version);
        if recovered == Some(version) {
            Ok(())
        } else {
            Err(Error::Unavailable(reason))
        }
    }

    fn recover(&mut self) -> Result<()> {
        let outcome = self.reopen();
        match &outcome {
            Ok(()) => {
                self.failed = None;
                self.metrics.recoveries.inc();
                tracing::warn!(version = self.version.0, "storage recovered from a failed write");
            }
            Err(error) => self.fail(error),
        }
        outcome
    }
    fn reopen(&mut self) -> Result<()> {
        self.io
            .before_sync()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        // Leaving the journal writes what is in memory to new files; without room for it readers keep what they have.
        let needed = self.options.free_octets_min.max(2 * self.options.memtable_octets_max);
        let free = self.free_octets()?;
        if free < needed {
            return Err(Error::Unavailable(format!(
                "{free} octets free, {needed} needed to recover"
            )));
        }
        self.shared.down.store(true, Ordering::SeqCst);
        self.revoke_views();
        self.engine = None;
        let engine = Engine::open(&self.folder, &self.options)?;
        if let Err(error) = engine.leave_journal() {
            // Not fit for writing, but for reading, unless it holds a batch that may yet turn out not to be durable.
            if engine.version() == self.acknowledged {
                self.use_engine(engine);
            }
            return Err(error);
        }
        drop(engine);
        Engine::empty_journals(&self.folder)?;
        let engine = Engine::open(&self.folder, &self.options)?;
        self.use_engine(engine);
        Ok(())
    }
    fn use_engine(&mut self, engine: Engine) {
        // Versions that came to nothing are not given again: `self.version` stays.
        let recovered = engine.version();
        let doubtful_came_true = recovered != self.acknowledged;
        self.engine = Some(engine);
        self.publish(recovered);
        if doubtful_came_true {
            self.shared.watches.end_all(&Ok(()));
        }
        self.window = ConflictWindow::new(recovered);
        self.shared.down.store(false, Ordering::SeqCst);
    }
    /// Waits for flushes and compactions that have fallen behind.
    fn keep_up(&mut self) -> Result<()> {
        let mut waited_millis = 0;
        loop {
            match self.engine.as_ref().ok_or(Error::Closed)?.ready_to_write() {
                Ok(true) => return Ok(()),
                Ok(false) if waited_millis < BEHIND_MILLIS_MAX => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    waited_millis += 5;
                }
                Ok(false) => return Err(Error::Unavailable("background work is behind".to_owned())),
                Err(error) => {
                    self.fail(&error);
                    return Err(error);
                }
            }
        }
    }
}
