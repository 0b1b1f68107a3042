//! Commits that wait for the commit thread.

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use hongyan_kv::optimistic::CommitRequest;
use hongyan_kv::{CommitVersion, Error, Result};

/// A commit with the place where its answer goes.
pub(crate) struct Waiting {
    pub(crate) request: CommitRequest,
    pub(crate) asked_micros: u64,
    pub(crate) answer: oneshot::Sender<Result<CommitVersion>>,
}

/// The line before the commit thread.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    closed: bool,
    /// Whether the commit thread sleeps, and so has to be woken.
    sleeping: bool,
}

impl Queue {
    /// Joins the line.
    pub(crate) fn push(&self, commit: Waiting, waiting_max: usize) {
        let refused = {
            let mut state = self.state.lock();
            if state.closed {
                (commit, Error::Closed)
            } else if state.waiting.len() >= waiting_max {
                (commit, Error::Unavailable("too many commits are waiting".to_owned()))
            } else {
                state.waiting.push(commit);
                if std::mem::take(&mut state.sleeping) {
                    drop(state);
                    self.arrived.notify_one();
                }
                return;
            }
        };
        let (commit, error) = refused;
        let _ = commit.answer.send(Err(error));
    }
    /// Takes all that wait into `batch`, sleeping until there are some; `false` when the line is closed and empty.
    pub(crate) fn take(&self, batch: &mut Vec<Waiting>) -> bool {
        let mut state = self.state.lock();
        loop {
            if !state.waiting.is_empty() {
                std::mem::swap(&mut state.waiting, batch);
                return true;
            }
            if state.closed {
                return false;
            }
            state.sleeping = true;
            self.arrived.wait(&mut state);
            state.sleeping = false;
        }
    }
    /// Takes those who are still in line when nobody is going to serve them.
    pub(crate) fn take_rest(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.state.lock().waiting)
    }
    /// Lets nobody join any more.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
    }
}
