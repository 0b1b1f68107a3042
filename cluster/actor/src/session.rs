//! Session actors: one a client connection, with a bounded intake and a shutdown switch.
//!
//! The session itself is one future, written as a plain loop over its socket, its timers and its intake. It
//! lives and dies on one arbiter; a panic ends this session and no other.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::sync::mpsc;

use crate::{Arbiters, Shutdown};

/// Why a tell was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// The intake is full.
    #[error("intake is full")]
    Overloaded,
    /// The session has ended.
    #[error("session has ended")]
    Ended,
}

/// Speaks to a running session.
pub struct SessionHandle<M> {
    intake: mpsc::Sender<M>,
    shutdown: Shutdown,
}

impl<M> Clone for SessionHandle<M> {
    fn clone(&self) -> Self {
        Self {
            intake: self.intake.clone(),
            shutdown: self.shutdown.clone(),
        }
    }
}

impl<M> SessionHandle<M> {
    /// Puts `request` into the session's intake, unless it is full.
    ///
    /// # Errors
    /// `Overloaded`, `Ended`.
    pub fn try_tell(&self, request: M) -> Result<(), TellError> {
        self.intake.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => TellError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => TellError::Ended,
        })
    }
    /// Asks this one session to end.
    pub fn shutdown(&self) {
        self.shutdown.request();
    }
    /// Whether it has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.intake.is_closed()
    }
    /// Waits until it has ended.
    pub async fn ended(&self) {
        self.intake.closed().await;
    }
}

/// The session's own end: what it is told, and when it shall end.
pub struct SessionIntake<M> {
    intake: mpsc::Receiver<M>,
    own: Shutdown,
    all: Shutdown,
}

impl<M> SessionIntake<M> {
    /// The next request; `None` once every handle is gone.
    pub async fn recv(&mut self) -> Option<M> {
        self.intake.recv().await
    }
    /// Waits until this session, or all sessions, shall end.
    pub async fn shutdown_requested(&self) {
        tokio::select! {
            biased;
            () = self.own.requested() => {}
            () = self.all.requested() => {}
        }
    }
    /// Whether this session, or all sessions, shall end.
    #[must_use]
    pub fn is_shutdown_requested(&self) -> bool {
        self.own.is_requested() || self.all.is_requested()
    }
}

struct SessionActor {
    session: Option<Pin<Box<dyn Future<Output = ()>>>>,
    _alive: Alive,
}

/// Counts one session as long as it exists.
struct Alive(Arc<AtomicUsize>);

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Some(session) = self.session.take() {
            let end = session.into_actor(self).map(|(), _, context: &mut Context<Self>| {
                actix::ActorContext::stop(context);
            });
            context.spawn(end);
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Arbiters {
    /// Starts a session on the arbiter that `hash` falls on: the future that `make` returns, fed through an intake of at
    /// most `intake_max` requests.
    pub fn spawn_session<M, F>(
        &self,
        hash: u64,
        intake_max: usize,
        make: impl FnOnce(SessionIntake<M>) -> F + Send + 'static,
    ) -> SessionHandle<M>
    where
        M: Send + 'static,
        F: Future<Output = ()> + 'static,
    {
        let (sender, receiver) = mpsc::channel(intake_max.max(1));
        let own = Shutdown::default();
        let intake = SessionIntake {
            intake: receiver,
            own: own.clone(),
            all: self.shutdown(),
        };
        let alive = self.sessions();
        alive.fetch_add(1, Ordering::Relaxed);
        // Made here, so that a session whose arbiter is gone is counted off as well.
        let alive = Alive(alive);
        self.start_actor(hash, move || SessionActor {
            session: Some(Box::pin(make(intake))),
            _alive: alive,
        });
        SessionHandle {
            intake: sender,
            shutdown: own,
        }
    }
}
