//! A published state: what readers see. It can be taken away when the engine has to be reopened under it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;

use hongyan_kv::optimistic::{Snapshot, Visitor};
use hongyan_kv::{CommitVersion, Error, KeyRange, Result};

use crate::engine::EngineSnapshot;

/// The durable state at one version.
pub(crate) struct View {
    version: CommitVersion,
    snapshot: RwLock<Option<EngineSnapshot>>,
    /// Whether the store has no engine now.
    down: Arc<AtomicBool>,
}

impl View {
    pub(crate) fn new(version: CommitVersion, snapshot: EngineSnapshot, down: &Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            version,
            snapshot: RwLock::new(Some(snapshot)),
            down: Arc::clone(down),
        })
    }
    /// Takes the state away from all who read it; waits for reads under way.
    pub(crate) fn revoke(&self) {
        self.snapshot.write().take();
    }
    /// What a read of a revoked view answers: begin again, unless there is nothing to begin on.
    fn revoked(&self) -> Error {
        if self.down.load(Ordering::SeqCst) {
            Error::Unavailable("storage is being recovered".to_owned())
        } else {
            Error::TooOld
        }
    }
}

impl Snapshot for View {
    fn version(&self) -> CommitVersion {
        self.version
    }
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        match &*self.snapshot.read() {
            Some(snapshot) => snapshot.get(key),
            None => Err(self.revoked()),
        }
    }
    fn scan(&self, range: &KeyRange, reverse: bool, visit: &mut Visitor<'_>) -> Result<()> {
        let guard = self.snapshot.read();
        let snapshot = guard.as_ref().ok_or_else(|| self.revoked())?;
        snapshot.scan(range, reverse, |key, value| match visit(key, value) {
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        })
    }
}
