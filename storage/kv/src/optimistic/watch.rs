//! Watches: who waits for a key to change.
//!
//! A watch is armed first and compared with the newest state afterwards, and an engine publishes a state first and
//! fires afterwards: whichever comes second sees the other, so no change is missed.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Overlay;
use crate::{Error, Result};

/// How many watches a store keeps at once.
pub const WATCHES_MAX: usize = 100_000;

/// A watched key, and which of its watches.
type Place = (Bytes, u64);
type Waiting = BTreeMap<Place, oneshot::Sender<Result<()>>>;

/// The armed watches of a store.
#[derive(Debug, Default)]
pub struct Watches {
    armed: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    waiting: Waiting,
}

impl Watches {
    /// How many are armed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.armed.load(Ordering::SeqCst)
    }
    /// Whether none is armed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Fires the watches of all keys that `writes` touches. Call it after the new state has been published.
    pub fn fire(&self, writes: &Overlay) {
        if self.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        for (key, _) in writes.entries() {
            let bounds = (
                Bound::Included((key.clone(), 0)),
                Bound::Included((key.clone(), u64::MAX)),
            );
            self.release(&mut state.waiting, bounds);
        }
        for range in writes.cleared() {
            self.release(
                &mut state.waiting,
                (Bound::Included((range.begin, 0)), Bound::Excluded((range.end, 0))),
            );
        }
    }
    /// Ends all watches: with an error, or as fired where nobody can tell what has changed.
    pub fn end_all(&self, outcome: &Result<()>) {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        self.armed.fetch_sub(waiting.len(), Ordering::SeqCst);
        for sender in waiting.into_values() {
            let _ = sender.send(outcome.clone());
        }
    }

    fn release(&self, waiting: &mut Waiting, bounds: (Bound<Place>, Bound<Place>)) {
        for (_, sender) in waiting.extract_if(bounds, |_, _| true) {
            self.armed.fetch_sub(1, Ordering::SeqCst);
            let _ = sender.send(Ok(()));
        }
    }
    fn arm(&self, key: Bytes, sender: oneshot::Sender<Result<()>>) -> Option<u64> {
        let mut state = self.state.lock();
        if state.waiting.len() >= WATCHES_MAX {
            let _ = sender.send(Err(Error::TooLarge {
                what: "watches",
                octets: state.waiting.len() + 1,
                limit: WATCHES_MAX,
            }));
            return None;
        }
        state.next_id += 1;
        let id = state.next_id;
        state.waiting.insert((key, id), sender);
        self.armed.fetch_add(1, Ordering::SeqCst);
        Some(id)
    }
    fn disarm(&self, key: &Bytes, id: u64) -> Option<oneshot::Sender<Result<()>>> {
        let removed = self.state.lock().waiting.remove(&(key.clone(), id));
        if removed.is_some() {
            self.armed.fetch_sub(1, Ordering::SeqCst);
        }
        removed
    }
}

/// A watch asked for by a transaction that has not committed yet.
#[derive(Debug)]
pub(super) struct PendingWatch {
    key: Bytes,
    sender: oneshot::Sender<Result<()>>,
    ticket: Arc<Ticket>,
}

/// Where a watch is armed, shared between the one who arms it and the future that cancels it when dropped.
#[derive(Debug, Default)]
struct Ticket(Mutex<TicketState>);

#[derive(Debug, Default)]
struct TicketState {
    cancelled: bool,
    armed: Option<(Bytes, u64)>,
}

/// A watch that waits for its transaction, and the future that resolves when it fires.
pub(super) fn pending(watches: &Arc<Watches>, key: Bytes) -> (PendingWatch, crate::Watch) {
    let (sender, receiver) = oneshot::channel();
    let ticket = Arc::new(Ticket::default());
    let future = WatchFuture {
        watches: Arc::clone(watches),
        ticket: Arc::clone(&ticket),
        receiver,
    };
    (PendingWatch { key, sender, ticket }, Box::pin(future))
}

impl PendingWatch {
    /// The key to watch.
    pub(super) fn key(&self) -> &Bytes {
        &self.key
    }
    /// Ends the watch with the error of its transaction.
    pub(super) fn fail(self, error: &Error) {
        let _ = self.sender.send(Err(error.clone()));
    }
    /// Arms the watch, then fires it at once when `changed` says that the key is not what it was any more.
    pub(super) fn arm(self, watches: &Watches, changed: impl FnOnce() -> Result<bool>) {
        let key = self.key.clone();
        let armed = {
            let mut ticket = self.ticket.0.lock();
            if ticket.cancelled {
                return;
            }
            let armed = watches.arm(self.key, self.sender);
            ticket.armed = armed.map(|id| (key.clone(), id));
            armed
        };
        let Some(id) = armed else { return };
        let outcome = match changed() {
            Ok(false) => return,
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        if let Some(sender) = watches.disarm(&key, id) {
            let _ = sender.send(outcome);
        }
    }
}

struct WatchFuture {
    watches: Arc<Watches>,
    ticket: Arc<Ticket>,
    receiver: oneshot::Receiver<Result<()>>,
}

impl Future for WatchFuture {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A sender dropped without a word belongs to a transaction that never committed.
        Pin::new(&mut self.receiver)
            .poll(context)
            .map(|sent| sent.unwrap_or(Err(Error::Closed)))
    }
}

impl Drop for WatchFuture {
    fn drop(&mut self) {
        let mut ticket = self.ticket.0.lock();
        ticket.cancelled = true;
        if let Some((key, id)) = ticket.armed.take() {
            self.watches.disarm(&key, id);
        }
    }
}
