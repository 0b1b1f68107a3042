//! A disk in memory that can be full, slow, crash in the middle of a write, and be copied.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use parking_lot::Mutex;

use crate::LocalStore;

/// Clones are handles to the same disk.
#[derive(Clone)]
pub struct MemoryDisk {
    env: Env,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pairs: BTreeMap<Bytes, Bytes>,
    full: bool,
    latency: Duration,
    /// Writes never finish any more.
    crashed: bool,
    writes: u64,
}

impl MemoryDisk {
    /// An empty one.
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self {
            env,
            state: Arc::default(),
        }
    }
    /// Whether writes fail for lack of room.
    pub fn set_full(&self, full: bool) {
        self.state.lock().full = full;
    }
    /// How long a write takes.
    pub fn set_latency(&self, latency: Duration) {
        self.state.lock().latency = latency;
    }
    /// How many writes have succeeded.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state.lock().writes
    }
    /// The machine loses power: writes under way and all by handles to it from before are lost and never return.
    /// Gives the disk as the machine finds it when it comes back.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut state = self.state.lock();
        state.crashed = true;
        let pairs = state.pairs.clone();
        Self::with(self.env.clone(), pairs)
    }
    /// The disk as it is now, on another one: a backup, or a clone.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::with(self.env.clone(), self.state.lock().pairs.clone())
    }
    /// Flips a bit in every value whose key begins with `prefix`.
    pub fn damage(&self, prefix: &[u8]) {
        for (key, value) in &mut self.state.lock().pairs {
            if key.starts_with(prefix) {
                let mut bytes = value.to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                *value = bytes.into();
            }
        }
    }
    /// Takes away every `nth` value whose key begins with `prefix`.
    pub fn lose(&self, prefix: &[u8], nth: usize) {
        let mut count = 0;
        self.state.lock().pairs.retain(|key, _| {
            count += usize::from(key.starts_with(prefix));
            !(key.starts_with(prefix) && count % nth == 0)
        });
    }
    fn with(env: Env, pairs: BTreeMap<Bytes, Bytes>) -> Self {
        let state = State {
            pairs,
            ..State::default()
        };
        Self {
            env,
            state: Arc::new(Mutex::new(state)),
        }
    }
}

impl LocalStore for MemoryDisk {
    fn load(&self) -> BoxFuture<'_, io::Result<Vec<(Bytes, Bytes)>>> {
        let pairs = self.state.lock().pairs.clone();
        Box::pin(async move { Ok(pairs.into_iter().collect()) })
    }
    fn write(&self, changes: Vec<(Bytes, Option<Bytes>)>) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let latency = self.state.lock().latency;
            if !latency.is_zero() {
                self.env.sleep(latency).await;
            }
            let crashed = self.state.lock().crashed;
            if crashed {
                std::future::pending::<()>().await;
            }
            let mut state = self.state.lock();
            if state.full {
                return Err(io::ErrorKind::StorageFull.into());
            }
            for (key, value) in changes {
                match value {
                    Some(value) => state.pairs.insert(key, value),
                    None => state.pairs.remove(&key),
                };
            }
            state.writes += 1;
            Ok(())
        })
    }
}
