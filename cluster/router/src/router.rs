//! Finds the host of an entity's kind and hands it the request.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hongyan_actor::{Arbiters, Entity, EntityHost, EntityKey, EntityOptions, Epoch, HostError, RequestId, Terms};
use hongyan_env::Env;
use hongyan_telemetry as telemetry;
use parking_lot::RwLock;

use crate::{Hints, Subscription};

/// One request of an entity with the reply that belongs to it.
pub trait Ask: Sized {
    /// Who takes it.
    type Entity: Entity;
    /// What comes back.
    type Reply;
    /// Wraps it in the entity's request type.
    fn into_request(self) -> <Self::Entity as Entity>::Request;
    /// Unwraps the reply; `None` when it belongs to another request, which is the entity's mistake.
    fn from_reply(reply: <Self::Entity as Entity>::Reply) -> Option<Self::Reply>;
}

/// Why an ask has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Too many requests wait for this entity; nothing was done. Answer SMTP 451, IMAP NO [LIMIT], HTTP 429.
    #[error("too many requests wait")]
    Overloaded,
    /// The entity cannot answer now; whether the request had an effect is unknown.
    #[error("entity is not available")]
    Unavailable,
    /// No reply in time; whether the request has an effect is unknown.
    #[error("no reply before the deadline")]
    Deadline,
}

impl From<HostError> for AskError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Overloaded => Self::Overloaded,
            HostError::Unavailable => Self::Unavailable,
            HostError::Deadline => Self::Deadline,
        }
    }
}

type Hosts = RwLock<HashMap<TypeId, Box<dyn Any + Send + Sync>>>;

/// The way to every entity. Clones share it.
#[derive(Clone)]
pub struct Router(Arc<Inner>);

struct Inner {
    env: Env,
    arbiters: Arbiters,
    hosts: Hosts,
    hints: Hints,
    errors: telemetry::CounterVec,
    ids: RequestIds,
}

/// Request ids that no other life of a node gives out: random bits of this life, and a count.
struct RequestIds {
    life: u64,
    count: AtomicU64,
}

impl RequestIds {
    fn new(env: &Env) -> Self {
        Self {
            life: env.random_u64(),
            count: AtomicU64::new(0),
        }
    }
    fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        RequestId(u128::from(self.life) << 64 | u128::from(count))
    }
}

impl Router {
    /// A router that serves no kind of entity yet.
    #[must_use]
    pub fn new(env: Env, arbiters: Arbiters) -> Self {
        Self(Arc::new(Inner {
            ids: RequestIds::new(&env),
            env,
            arbiters,
            hosts: RwLock::default(),
            hints: Hints::default(),
            errors: telemetry::counter_vec(
                "hongyan_router_ask_errors_total",
                "Asks without a reply.",
                &["kind", "error"],
            ),
        }))
    }
    /// Serves entities of kind `E` from now on.
    pub fn serve<E: Entity>(&self, services: E::Services, options: EntityOptions) -> EntityHost<E> {
        let host = EntityHost::<E>::start(self.0.env.clone(), self.0.arbiters.clone(), services, options);
        self.0.hosts.write().insert(TypeId::of::<E>(), Box::new(host.clone()));
        host
    }
    /// Asks the entity `key`, waiting at most `within`.
    ///
    /// # Errors
    /// As [`AskError`] says.
    pub async fn ask<R: Ask>(
        &self,
        key: &<R::Entity as Entity>::Key,
        request: R,
        within: Duration,
    ) -> Result<R::Reply, AskError> {
        let host = self.host::<R::Entity>().ok_or(AskError::Unavailable)?;
        let terms = Terms {
            id: self.0.ids.next(),
            epoch: Epoch::FIRST,
            within,
        };
        match host.ask(key, request.into_request(), &terms).await {
            Ok(reply) => R::from_reply(reply).ok_or_else(|| {
                tracing::error!(
                    kind = <R::Entity as Entity>::Key::KIND,
                    "an entity answered with another request's reply"
                );
                AskError::Unavailable
            }),
            Err(error) => {
                let label = match error {
                    HostError::Overloaded => "overloaded",
                    HostError::Unavailable => "unavailable",
                    HostError::Deadline => "deadline",
                };
                let kind = <R::Entity as Entity>::Key::KIND;
                self.0.errors.with_label_values(&[kind, label]).inc();
                Err(error.into())
            }
        }
    }
    /// Listens to what the entity `key` publishes.
    #[must_use]
    pub fn subscribe(&self, key: &impl EntityKey) -> Subscription {
        self.0.hints.subscribe(key)
    }
    /// Tells those who listen to `key` how far it has come.
    pub fn publish(&self, key: &impl EntityKey, number: u64) {
        self.0.hints.publish(key, number);
    }
    /// The hints alone, for entities, which publish but do not ask.
    #[must_use]
    pub fn hints(&self) -> Hints {
        self.0.hints.clone()
    }
    fn host<E: Entity>(&self) -> Option<EntityHost<E>> {
        let hosts = self.0.hosts.read();
        hosts.get(&TypeId::of::<E>())?.downcast_ref::<EntityHost<E>>().cloned()
    }
}
