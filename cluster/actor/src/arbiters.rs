//! One arbiter a core: a thread with a current-thread runtime, on which whatever is spawned stays. Or no threads at all:
//! everything on the `LocalSet` of whoever calls, for simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Actor, Addr, Context};
use actix_rt::{Arbiter, ArbiterHandle};
use hongyan_env::Env;
use parking_lot::Mutex;

use crate::Shutdown;

/// How often [`Arbiters::stop`] looks whether the sessions are gone.
const STOP_POLL: Duration = Duration::from_millis(5);

/// The arbiters of a process. Clones share them.
#[derive(Clone)]
pub struct Arbiters(Arc<Inner>);

struct Inner {
    /// None: all runs where it is started.
    handles: Vec<ArbiterHandle>,
    arbiters: Mutex<Vec<Arbiter>>,
    sessions: Arc<AtomicUsize>,
    shutdown: Shutdown,
}

impl Arbiters {
    /// Starts `count` arbiters (at least one). Must be called inside [`crate::run`].
    #[must_use]
    pub fn start(count: usize) -> Self {
        Self::build((0..count.max(1)).map(|_| Arbiter::new()).collect())
    }
    /// No threads: whatever is spawned runs on the `tokio::task::LocalSet` that the spawning task is on, and ends when that set
    /// is dropped, as a process does that is killed. No actor system is needed.
    #[must_use]
    pub fn local() -> Self {
        Self::build(Vec::new())
    }
    fn build(arbiters: Vec<Arbiter>) -> Self {
        Self(Arc::new(Inner {
            handles: arbiters.iter().map(Arbiter::handle).collect(),
            arbiters: Mutex::new(arbiters),
            sessions: Arc::default(),
            shutdown: Shutdown::default(),
        }))
    }
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.handles.len().max(1)
    }
    /// Runs what `make` returns on the arbiter that `hash` falls on.
    pub fn spawn<F>(&self, hash: u64, make: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        match self.handle(hash) {
            // A refused spawn means that the arbiter has stopped, and with it everything on it.
            Some(arbiter) => drop(arbiter.spawn_fn(move || drop(actix_rt::spawn(make())))),
            None => drop(tokio::task::spawn_local(make())),
        }
    }
    /// Runs `work` on the runtime of the caller, beside the arbiters: accept loops, watchers.
    pub fn spawn_beside(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        if self.0.handles.is_empty() {
            tokio::task::spawn_local(work)
        } else {
            tokio::spawn(work)
        }
    }
    /// Starts an actor on the arbiter that `hash` falls on.
    pub(crate) fn start_actor<A: Actor<Context = Context<A>>>(
        &self,
        hash: u64,
        make: impl FnOnce() -> A + Send + 'static,
    ) -> Addr<A> {
        match self.handle(hash) {
            Some(arbiter) => A::start_in_arbiter(arbiter, move |_| make()),
            None => make().start(),
        }
    }
    /// The switch that asks sessions to end.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.0.shutdown.clone()
    }
    /// Sessions alive.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.sessions.load(Ordering::Relaxed)
    }
    /// Asks the sessions to end, waits for them at most `grace`, and stops the arbiters with whatever is left on them.
    pub async fn stop(&self, env: &Env, grace: Duration) {
        self.0.shutdown.request();
        let gone = async {
            while self.session_count() > 0 {
                env.sleep(STOP_POLL).await;
            }
        };
        let _ = env.timeout(grace, gone).await;
        for arbiter in self.0.arbiters.lock().drain(..) {
            arbiter.stop();
        }
    }
    /// None when all is local.
    fn handle(&self, hash: u64) -> Option<&ArbiterHandle> {
        let count = self.0.handles.len().max(1) as u64;
        self.0.handles.get(usize::try_from(hash % count).unwrap_or(0))
    }
    pub(crate) fn sessions(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0.sessions)
    }
}
