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
use crate::writer::{Failed, Writer};

/// How long background work may hold a commit up before it is refused.
const BEHIND_MILLIS_MAX: u64 = 3_000;

impl Writer {
    /// Whether a batch may be written now; recovers from an earlier failure when it is time to try.
    pub(crate) fn check_disk(&mut self) -> Result<()> {
        let free = self
            .io
            .free_octets(&self.folder)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        if free < self.options.free_octets_min {
            let reason = format!("{free} octets free, below the {} kept", self.options.free_octets_min);
            return Err(Error::Unavailable(reason));
        }
        if let Some(failed) = &self.failed {
            if self.now_micros() < failed.retry_micros {
                return Err(Error::Unavailable(failed.reason.clone()));
            }
            self.recover()?;
        }
        self.keep_up()
    }
    /// Notes that the engine must not be written to any more. Readers keep the view they have, which is durable.
    pub(crate) fn fail(&mut self, error: &Error) {
        tracing::error!(%error, "storage write failed");
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
        self.shared.down.store(true, Ordering::SeqCst);
        self.revoke_views();
        self.engine = None;
        let engine = Engine::open(&self.folder, &self.options)?;
        engine.leave_journal()?;
        drop(engine);
        Engine::empty_journals(&self.folder)?;
        let engine = Engine::open(&self.folder, &self.options)?;
        let recovered = engine.version();
        self.engine = Some(engine);
        // A version is never given twice, even if its commit came to nothing.
        let newest_given = self.version;
        self.version = recovered;
        self.publish();
        self.version = newest_given;
        self.window = ConflictWindow::new(recovered);
        self.shared.down.store(false, Ordering::SeqCst);
        Ok(())
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
