//! What an entity is: the contract between a domain object and the runtime.

use std::sync::Arc;

use hongyan_env::Env;
use tokio::sync::oneshot;

use crate::{EntityKey, RequestId, Tenure, Terms};

/// Why an entity could not start: its state cannot be read now. The waiting requests are answered `Unavailable`, the next one tries again.
#[derive(Debug, thiserror::Error)]
#[error("entity cannot start: {0}")]
pub struct ActivateError(pub String);

/// An actor with an identity, the only writer of its state. Its futures stay on one arbiter.
pub trait Entity: Sized + Unpin + 'static {
    /// Its identity.
    type Key: EntityKey;
    /// All requests it takes.
    type Request: Send + 'static;
    /// All replies it gives.
    type Reply: Send + 'static;
    /// What it works with: storage, environment. Cloned for each activation.
    type Services: Clone + Send + Sync + Unpin + 'static;

    /// Recovers its state. It lives under one `tenure`: in a later epoch it is started anew.
    fn activate(
        services: Self::Services,
        key: Self::Key,
        tenure: Tenure,
    ) -> impl Future<Output = Result<Self, ActivateError>>;
    /// Handles everything that waits, as one batch. A reply is sent once its effect is durable. Requests that arrive
    /// meanwhile make the next batch.
    fn handle(&mut self, batch: Vec<Envelope<Self>>) -> impl Future<Output = ()>;
    /// Whether it has more to do for requests it took before, so that [`Self::handle`] is called again at once, with what has
    /// come meanwhile or with nothing. Long work in steps lets others in between.
    fn has_work(&self) -> bool {
        false
    }
    /// Whether it found out that another node has taken over. Then it ends without [`Self::passivate`]; who waits is answered
    /// `Unavailable` and finds the new owner.
    fn is_deposed(&self) -> bool {
        false
    }
    /// Roughly what it holds in memory, in octets.
    fn memory_octets(&self) -> usize;
    /// Leaves: writes what makes the next activation quick. Nothing acknowledged may depend on it.
    fn passivate(&mut self) -> impl Future<Output = ()>;
}

/// One request with the way back.
pub struct Envelope<E: Entity> {
    /// The request.
    pub request: E::Request,
    /// Under which a repeat of it is recognised.
    pub id: RequestId,
    pub(crate) replier: Replier<E::Reply>,
    pub(crate) deadline_micros: u64,
}

impl<E: Entity> Envelope<E> {
    pub(crate) fn new(request: E::Request, reply: oneshot::Sender<E::Reply>, terms: &Terms, now_micros: u64) -> Self {
        let within_micros = u64::try_from(terms.within.as_micros()).unwrap_or(u64::MAX);
        Self {
            request,
            id: terms.id,
            replier: Replier::new(reply),
            deadline_micros: now_micros.saturating_add(within_micros),
        }
    }
    /// Whether nobody waits any more: the deadline has passed or the asker is gone.
    #[must_use]
    pub fn is_expired(&self, env: &Env) -> bool {
        self.replier.sender.as_ref().is_none_or(oneshot::Sender::is_closed) || env.now_micros() >= self.deadline_micros
    }
    /// Takes request and reply way apart.
    #[must_use]
    pub fn split(self) -> (E::Request, Replier<E::Reply>) {
        (self.request, self.replier)
    }
}

/// What must be told that its actor ends before the askers are.
pub(crate) trait Ending: Send + Sync {
    fn ending(&self);
}

/// The way back to one asker. Dropped unused, it answers `Unavailable`.
pub struct Replier<R> {
    sender: Option<oneshot::Sender<R>>,
    intake: Option<Arc<dyn Ending>>,
}

impl<R> Replier<R> {
    pub(crate) fn new(sender: oneshot::Sender<R>) -> Self {
        Self {
            sender: Some(sender),
            intake: None,
        }
    }
    pub(crate) fn taken_from(&mut self, intake: Arc<dyn Ending>) {
        self.intake = Some(intake);
    }
    /// Answers. An asker that is gone is none of the entity's business.
    pub fn send(mut self, reply: R) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(reply);
        }
    }
}

impl<R> Drop for Replier<R> {
    /// A panic drops the way back before it reaches the actor. Who hears of it and asks again must not come to the same one.
    fn drop(&mut self) {
        if self.sender.is_some()
            && std::thread::panicking()
            && let Some(intake) = &self.intake
        {
            intake.ending();
        }
    }
}
