//! The default store of one node: optimistic transactions over an LSM tree on this machine's disk, group commit.
//!
//! One thread commits. It checks everything that waits against recent writes, puts what passes into one batch of the
//! engine (fjall, named in `engine.rs` only), syncs once, publishes the new view and answers: an acknowledged commit
//! is on disk, and no reader sees what is not. A write or sync that fails answers nobody with success; the store then
//! reopens the engine, which tells what had reached the disk, and goes on when the disk lets it. Reads are
//! synchronous and complete inline.

mod engine;
mod fault;
mod journal;
mod lock;
mod metric;
mod options;
mod queue;
mod recover;
mod shared;
mod view;
mod writer;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use hongyan_kv::optimistic::OptimisticTransaction;
use hongyan_kv::{Backend, BackendTransaction, Error};

pub use lock::LockError;
pub use options::{Clock, EmbeddedOptions};

use fault::Io;
use shared::Shared;

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it, or the folder cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The engine cannot read or create its files.
    #[error("open storage engine")]
    Engine(#[source] Error),
    /// The commit thread cannot be started.
    #[error("start commit thread")]
    Thread(#[source] std::io::Error),
}

/// A store in a folder of its own; cloning shares it. It closes with [`Self::close`] or with its last clone.
#[derive(Clone)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    commits: Arc<CommitThread>,
}

struct CommitThread {
    shared: Arc<Shared>,
    handle: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl EmbeddedStore {
    /// Opens the store in `folder`, or makes an empty one there, and locks the folder.
    ///
    /// # Errors
    /// When another process holds it, the disk refuses, or the files are not a store of ours.
    pub fn open(folder: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self, OpenError> {
        Self::open_with(folder.as_ref(), options, Io::default())
    }

    fn open_with(folder: &Path, options: EmbeddedOptions, io: Io) -> Result<Self, OpenError> {
        let lock = lock::lock(folder)?;
        let engine = engine::Engine::open(folder, &options).map_err(OpenError::Engine)?;
        let (shared, writer) = writer::start(folder, options, io, engine, lock);
        let handle = std::thread::Builder::new()
            .name("commit".to_owned())
            .spawn(move || writer.run())
            .map_err(OpenError::Thread)?;
        let commits = CommitThread {
            shared: Arc::clone(&shared),
            handle: Mutex::new(Some(handle)),
        };
        Ok(Self {
            shared,
            commits: Arc::new(commits),
        })
    }
    /// Commits what waits, closes the files and unlocks the folder; transactions fail with `Closed` from then on.
    /// Blocks meanwhile.
    pub fn close(&self) {
        self.commits.stop();
    }
}

impl CommitThread {
    fn stop(&self) {
        self.shared.queue.close();
        if let Some(handle) = self.handle.lock().take() {
            // A panic of the thread has been reported by the panic hook.
            let _ = handle.join();
        }
    }
}

impl Drop for CommitThread {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Backend for EmbeddedStore {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        OptimisticTransaction::begin(&self.shared)
    }
}

#[cfg(test)]
mod failure_test;
