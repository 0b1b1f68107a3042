//! Finds the host of an entity's kind, or the node that has it, and hands it the request.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hongyan_actor::{
    Arbiters, Entity, EntityHost, EntityId, EntityKey, EntityOptions, Epoch, HostError, RequestId, Tenure, Terms,
    WireEntity,
};
use hongyan_env::Env;
use hongyan_placement::{Partition, Partitions};
use hongyan_telemetry as telemetry;
use hongyan_transport::ServiceId;
use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::hint_courier::Courier;
use crate::hint_service::HintService;
use crate::kind::{AnyKind, Kind, Wire};
use crate::remote::Journey;
use crate::serving::EntityService;
use crate::{Cluster, Hints, Located, Subscription};

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

impl AskError {
    fn label(self) -> &'static str {
        match self {
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
        }
    }
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

/// The kinds of entities that this node serves.
#[derive(Default)]
pub(crate) struct Kinds(RwLock<Tables>);

#[derive(Default)]
struct Tables {
    typed: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    named: HashMap<&'static str, Arc<dyn AnyKind>>,
}

impl Kinds {
    pub(crate) fn named(&self, kind: &str) -> Option<Arc<dyn AnyKind>> {
        self.0.read().named.get(kind).cloned()
    }
    fn typed<E: Entity>(&self) -> Option<Arc<Kind<E>>> {
        let kind = self.0.read().typed.get(&TypeId::of::<E>()).cloned()?;
        kind.downcast().ok()
    }
    fn add<E: Entity>(&self, kind: Kind<E>) {
        let kind = Arc::new(kind);
        let tables = &mut *self.0.write();
        tables.named.insert(E::Key::KIND, Arc::<Kind<E>>::clone(&kind));
        tables.typed.insert(TypeId::of::<E>(), kind);
    }
}

/// The way to every entity. Clones share it.
#[derive(Clone)]
pub struct Router(Arc<Inner>);

pub(crate) struct Inner {
    pub env: Env,
    pub retries: telemetry::CounterVec,
    pub remote_seconds: telemetry::HistogramVec,
    /// Notified when ownership has changed: all who wait for that, in the order in which they came.
    pub moved: Arc<Notify>,
    arbiters: Arbiters,
    kinds: Arc<Kinds>,
    hints: Hints,
    cluster: Option<Cluster>,
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
    /// The router of a node that is alone. It serves no kind of entity yet.
    #[must_use]
    pub fn new(env: Env, arbiters: Arbiters) -> Self {
        Self::build(env, arbiters, None, Hints::default())
    }
    /// The router of one node of many. From now on it answers the others through the cluster's transport.
    #[must_use]
    pub fn clustered(env: Env, arbiters: Arbiters, cluster: Cluster) -> Self {
        let (hints, interests) = Hints::with_interests();
        let router = Self::build(env.clone(), arbiters.clone(), Some(cluster.clone()), hints.clone());
        let kinds = Arc::clone(&router.0.kinds);
        let entities = EntityService::new(Arc::clone(&kinds), Arc::clone(&cluster.placement));
        cluster.transport.serve(ServiceId::ENTITIES, Arc::new(entities));
        let service = HintService::new(env.clone(), Arc::clone(&kinds), hints.clone());
        cluster.transport.serve(ServiceId::HINTS, Arc::new(service));
        let courier = Courier {
            env,
            arbiters: arbiters.clone(),
            cluster,
            kinds,
            hints,
            moved: Arc::clone(&router.0.moved),
            received: telemetry::counter(
                "hongyan_router_hints_received_total",
                "Hints that other nodes told this one.",
            ),
        };
        arbiters.spawn_beside(courier.run(interests));
        router
    }
    fn build(env: Env, arbiters: Arbiters, cluster: Option<Cluster>, hints: Hints) -> Self {
        Self(Arc::new(Inner {
            ids: RequestIds::new(&env),
            env,
            arbiters,
            kinds: Arc::default(),
            moved: Arc::default(),
            hints,
            cluster,
            errors: telemetry::counter_vec(
                "hongyan_router_ask_errors_total",
                "Asks without a reply.",
                &["kind", "error"],
            ),
            retries: telemetry::counter_vec(
                "hongyan_router_ask_retries_total",
                "Attempts of asks that were made again, by why the one before was in vain.",
                &["kind", "reason"],
            ),
            remote_seconds: telemetry::histogram_vec(
                "hongyan_router_remote_ask_seconds",
                "How long other nodes take to answer.",
                &["kind"],
            ),
        }))
    }
    /// Serves entities of kind `E` from now on, for askers on this node.
    pub fn serve<E: Entity>(&self, services: E::Services, options: EntityOptions) -> EntityHost<E> {
        self.add(services, options, None)
    }
    /// Serves entities of kind `E` from now on, for askers on any node.
    pub fn serve_everywhere<E: WireEntity>(&self, services: E::Services, options: EntityOptions) -> EntityHost<E> {
        self.add(services, options, Some(Wire::new()))
    }
    fn add<E: Entity>(&self, services: E::Services, options: EntityOptions, wire: Option<Wire<E>>) -> EntityHost<E> {
        let host = EntityHost::<E>::start(self.0.env.clone(), self.0.arbiters.clone(), services, options);
        self.0.kinds.add(Kind {
            host: host.clone(),
            wire,
        });
        host
    }
    /// An id under which the same request may be asked several times, also after its time was over.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.0.ids.next()
    }
    /// Asks the entity `key`, waiting at most `within`. In a cluster, an entity that moved is followed, and one that cannot
    /// answer is asked again, under the same request id.
    ///
    /// # Errors
    /// As [`AskError`] says.
    pub async fn ask<R: Ask>(
        &self,
        key: &<R::Entity as Entity>::Key,
        request: R,
        within: Duration,
    ) -> Result<R::Reply, AskError> {
        // A node that is alone asks once: nothing has to be remembered of it.
        let id = if self.0.cluster.is_some() {
            self.request_id()
        } else {
            RequestId::ONCE
        };
        self.ask_as(id, key, request, within).await
    }
    /// As [`Self::ask`], under an id by which a repeat of the request is known.
    ///
    /// # Errors
    /// As [`AskError`] says.
    pub async fn ask_as<R: Ask>(
        &self,
        id: RequestId,
        key: &<R::Entity as Entity>::Key,
        request: R,
        within: Duration,
    ) -> Result<R::Reply, AskError> {
        let kind = <R::Entity as Entity>::Key::KIND;
        match self
            .ask_entity::<R::Entity>(id, key, request.into_request(), within)
            .await
        {
            Ok(reply) => R::from_reply(reply).ok_or_else(|| {
                tracing::error!(kind, "an entity answered with another request's reply");
                AskError::Unavailable
            }),
            Err(error) => {
                self.0.errors.with_label_values(&[kind, error.label()]).inc();
                Err(error)
            }
        }
    }
    async fn ask_entity<E: Entity>(
        &self,
        id: RequestId,
        key: &E::Key,
        request: E::Request,
        within: Duration,
    ) -> Result<E::Reply, AskError> {
        let inner = &*self.0;
        let kind = inner.kinds.typed::<E>().ok_or(AskError::Unavailable)?;
        if let (Some(cluster), Some(wire)) = (&inner.cluster, &kind.wire) {
            let within_micros = u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
            let journey = Journey {
                inner,
                cluster,
                kind: &kind,
                wire,
                key,
                request,
                id,
                deadline_micros: inner.env.now_micros().saturating_add(within_micros),
            };
            return journey.go().await;
        }
        let terms = Terms {
            id,
            tenure: Tenure {
                partition: self.partition_of(&key.entity_id()),
                epoch: Epoch::FIRST,
            },
            within,
        };
        Ok(kind.host.ask(key, request, &terms).await?)
    }
    /// The partition that `id` falls into.
    #[must_use]
    pub fn partition_of(&self, id: &EntityId) -> Partition {
        let cluster = self.0.cluster.as_ref();
        let partitions = cluster.map_or_else(Partitions::default, |cluster| cluster.placement.partitions());
        partitions.of_hash(id.stable_hash())
    }
    /// Whether this node answers for `id` at this moment; one that is alone answers for all. For work that one node of many
    /// does, beside asks.
    #[must_use]
    pub fn is_here(&self, id: &EntityId) -> bool {
        let Some(cluster) = &self.0.cluster else { return true };
        matches!(cluster.placement.locate(self.partition_of(id)), Located::Here { .. })
    }
    /// Listens to what the entity `key` publishes, wherever it is.
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
}
