//! The store in memory, with injectable faults, for tests and simulation.
//!
//! Same semantics as the stores on disk: versions are kept as long as a snapshot reads them, commits are checked
//! against a window of recent writes. Time stands still unless a test advances it or brings its own clock. Nothing
//! survives the process.

mod fault;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use hongyan_kv::optimistic::{CommitRequest, Engine, OptimisticTransaction, Watches};
use hongyan_kv::{Backend, BackendTransaction, BoxFuture, CommitVersion, Error, Result};

pub use fault::{Fault, Faults};

use fault::Injector;
use state::{State, View};

/// A clock in microseconds from any start.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A store in memory; cloning shares it.
#[derive(Clone)]
pub struct MemoryStore(Arc<Memory>);

struct Memory {
    state: Arc<Mutex<State>>,
    watches: Arc<Watches>,
    injector: Mutex<Injector>,
    advanced_micros: AtomicU64,
    clock: Option<Clock>,
}

impl MemoryStore {
    /// Keeps the states of the last `commits` commits, so that transactions may begin at them.
    pub fn keep(&self, commits: u64) {
        self.0.state.lock().keep(commits);
    }
    /// An empty store whose time only [`Self::advance`] moves.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None)
    }
    /// An empty store that ages transactions by `clock`.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        Self::build(Some(clock))
    }
    fn build(clock: Option<Clock>) -> Self {
        Self(Arc::new(Memory {
            state: Arc::default(),
            watches: Arc::default(),
            injector: Mutex::default(),
            advanced_micros: AtomicU64::new(0),
            clock,
        }))
    }
    /// Moves the store's time forward.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.0.advanced_micros.fetch_add(micros, Ordering::SeqCst);
    }
    /// From now on operations fail by chance as `faults` says; `Faults::default()` ends it.
    pub fn set_faults(&self, faults: Faults) {
        self.0.injector.lock().set(faults);
    }
    /// Makes the next commit fail as `fault` says; several queue up.
    pub fn fail_next(&self, fault: Fault) {
        self.0.injector.lock().script(fault);
    }
    /// Makes the next `count` reads too old.
    pub fn fail_reads(&self, count: usize) {
        self.0.injector.lock().script_reads(count);
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for MemoryStore {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        OptimisticTransaction::begin(&self.0)
    }
    fn begin_at(&self, version: CommitVersion) -> Option<Box<dyn BackendTransaction>> {
        let view = View::open_at(&self.0.state, version)?;
        Some(OptimisticTransaction::begin_on(&self.0, view))
    }
}

impl Engine for Memory {
    type Snapshot = View;

    fn snapshot(&self) -> Arc<View> {
        View::open(&self.state)
    }
    fn now_micros(&self) -> u64 {
        let clock = self.clock.as_ref().map_or(0, |clock| clock());
        clock + self.advanced_micros.load(Ordering::SeqCst)
    }
    fn commit(&self, request: CommitRequest) -> BoxFuture<'static, Result<CommitVersion>> {
        let plan = self.injector.lock().commit();
        let state = Arc::clone(&self.state);
        let watches = Arc::clone(&self.watches);
        Box::pin(async move {
            // As with a real store, others run while a commit is on its way.
            tokio::task::yield_now().await;
            fault::delay(plan.delay_micros).await;
            match plan.fault {
                Some(Fault::Conflict) => return Err(Error::Conflict),
                Some(Fault::TooOld) => return Err(Error::TooOld),
                Some(Fault::Unavailable) => return Err(Error::Unavailable("injected fault".into())),
                Some(Fault::UnknownNotApplied) => return Err(Error::CommitUnknown),
                Some(Fault::UnknownApplied) | None => {}
            }
            let version = state.lock().commit(&request)?;
            watches.fire(&request.writes);
            match plan.fault {
                None => Ok(version),
                Some(_) => Err(Error::CommitUnknown),
            }
        })
    }
    fn watches(&self) -> &Arc<Watches> {
        &self.watches
    }
    fn before_read(&self) -> Option<BoxFuture<'static, Result<()>>> {
        let plan = self.injector.lock().read()?;
        Some(Box::pin(async move {
            tokio::task::yield_now().await;
            fault::delay(plan.delay_micros).await;
            match plan.fault {
                Some(Fault::TooOld) => Err(Error::TooOld),
                Some(Fault::Unavailable) => Err(Error::Unavailable("injected fault".into())),
                _ => Ok(()),
            }
        }))
    }
}
