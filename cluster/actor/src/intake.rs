//! An entity's bounded buffer of requests, and what the host needs to know of the entity from outside.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::entity::Ending;
use crate::{Entity, Envelope};

/// What became of a request offered to an intake.
pub(crate) enum Offer<E: Entity> {
    /// Taken; the actor must be woken.
    Wake,
    /// Taken; the actor is at work and will see it.
    Queued,
    /// Not taken: too many wait.
    Full,
    /// Not taken: the actor has ended. The request comes back.
    Closed(Envelope<E>),
}

pub(crate) struct Intake<E: Entity> {
    state: Mutex<State<E>>,
    used_micros: AtomicU64,
    memory_octets: AtomicUsize,
}

struct State<E: Entity> {
    queue: Vec<Envelope<E>>,
    /// The actor is at work, or its wake-up is on the way.
    busy: bool,
    closed: bool,
    /// Requests dropped by closing.
    dropped: usize,
}

impl<E: Entity> Intake<E> {
    /// An intake with its first request, whose actor is busy with its activation.
    pub(crate) fn new(first: Envelope<E>, now_micros: u64) -> Self {
        Self {
            state: Mutex::new(State {
                queue: vec![first],
                busy: true,
                closed: false,
                dropped: 0,
            }),
            used_micros: AtomicU64::new(now_micros),
            memory_octets: AtomicUsize::new(0),
        }
    }
    pub(crate) fn offer(&self, envelope: Envelope<E>, now_micros: u64, requests_max: usize) -> Offer<E> {
        let mut state = self.state.lock();
        if state.closed {
            return Offer::Closed(envelope);
        }
        if state.queue.len() >= requests_max {
            return Offer::Full;
        }
        self.used_micros.store(now_micros, Ordering::Relaxed);
        state.queue.push(envelope);
        if std::mem::replace(&mut state.busy, true) {
            Offer::Queued
        } else {
            Offer::Wake
        }
    }
    /// Everything that waits; nothing means that the actor is idle from now on, unless it `has_work`.
    pub(crate) fn take(&self, has_work: bool) -> Vec<Envelope<E>> {
        let mut state = self.state.lock();
        state.busy = has_work || !state.queue.is_empty();
        std::mem::take(&mut state.queue)
    }
    /// Marks the actor busy, unless it is already.
    pub(crate) fn seize(&self) -> bool {
        let mut state = self.state.lock();
        !state.closed && !std::mem::replace(&mut state.busy, true)
    }
    /// Closes when nothing waits.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut state = self.state.lock();
        state.closed = state.queue.is_empty();
        state.closed
    }
    /// Closes; what waited is dropped and so answered `Unavailable`. Says how much that was, if it was closed before that
    /// too.
    pub(crate) fn close(&self) -> usize {
        let (queue, dropped) = {
            let mut state = self.state.lock();
            state.closed = true;
            state.dropped += state.queue.len();
            (std::mem::take(&mut state.queue), state.dropped)
        };
        drop(queue);
        dropped
    }
    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }
    pub(crate) fn used_micros(&self) -> u64 {
        self.used_micros.load(Ordering::Relaxed)
    }
    pub(crate) fn memory_octets(&self) -> usize {
        self.memory_octets.load(Ordering::Relaxed)
    }
    pub(crate) fn set_memory_octets(&self, octets: usize) {
        self.memory_octets.store(octets, Ordering::Relaxed);
    }
}

impl<E: Entity> Ending for Intake<E> {
    fn ending(&self) {
        self.close();
    }
}
