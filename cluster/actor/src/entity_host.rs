//! All entities of one kind on this node: finds them, starts them, sends the idle ones to sleep.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::Addr;
use hongyan_env::Env;
use hongyan_placement::Partition;
use hongyan_telemetry as telemetry;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

use crate::entity_actor::{EntityActor, Passivate, Wake};
use crate::intake::{Intake, Offer};
use crate::{Arbiters, Entity, EntityId, EntityKey, Envelope, Tenure, Terms};

/// Locks over the table of entities, so that cores rarely wait for each other.
const SHARDS: usize = 32;
/// Those that are to leave are looked at again after so long, and then less and less often.
const LEAVE_PAUSE_MIN: Duration = Duration::from_millis(1);
const LEAVE_PAUSE_MAX: Duration = Duration::from_millis(50);

/// How a kind of entity is kept.
#[derive(Debug, Clone)]
pub struct EntityOptions {
    /// Requests that may wait for one entity; one more is answered `Overloaded`.
    pub intake_requests_max: usize,
    /// An entity without requests for so long is passivated.
    pub idle: Duration,
    /// Memory that entities of this kind may hold together, in octets; over it the longest unused are passivated.
    pub memory_octets_max: usize,
    /// How often idleness and memory are looked at.
    pub sweep: Duration,
    /// Entities that come into memory at the same time; the others wait in the order in which they were asked.
    pub activations_max: usize,
}

impl Default for EntityOptions {
    fn default() -> Self {
        Self {
            intake_requests_max: 1024,
            idle: Duration::from_secs(300),
            memory_octets_max: 512 << 20,
            sweep: Duration::from_secs(5),
            activations_max: 256,
        }
    }
}

/// Why an ask has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Too many requests wait already; nothing was done.
    #[error("intake is full")]
    Overloaded,
    /// The entity cannot start, or died while the request was with it: whether it had an effect is unknown.
    #[error("entity is not available")]
    Unavailable,
    /// No reply in time: whether the request has an effect is unknown.
    #[error("no reply before the deadline")]
    Deadline,
}

/// Counters of one kind of entity, and its places.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) active: telemetry::Gauge,
    pub(crate) waiting: telemetry::Gauge,
    pub(crate) activations: telemetry::Counter,
    pub(crate) passivations: telemetry::Counter,
    pub(crate) failures: telemetry::Counter,
    pub(crate) panics: telemetry::Counter,
    pub(crate) deposed: telemetry::Counter,
    /// Places for those that come into memory.
    pub(crate) activating: Arc<Semaphore>,
    overloads: telemetry::Counter,
    memory: telemetry::Gauge,
}

impl Metrics {
    fn new(kind: &str, activations_max: usize) -> Self {
        let gauge = |name, help| telemetry::gauge_vec(name, help, &["kind"]).with_label_values(&[kind]);
        let counter = |name, help| telemetry::counter_vec(name, help, &["kind"]).with_label_values(&[kind]);
        Self {
            activating: Arc::new(Semaphore::new(activations_max.max(1))),
            active: gauge("hongyan_entity_active_entities", "Entities in memory."),
            waiting: gauge("hongyan_entity_intake_requests", "Requests waiting in intakes."),
            memory: gauge("hongyan_entity_memory_bytes", "Memory held by entities, estimated."),
            activations: counter("hongyan_entity_activations_total", "Entities brought into memory."),
            passivations: counter("hongyan_entity_passivations_total", "Entities sent to sleep."),
            failures: counter(
                "hongyan_entity_activation_failures_total",
                "Entities that could not start.",
            ),
            panics: counter(
                "hongyan_entity_panics_total",
                "Entities that died of a failed assertion.",
            ),
            deposed: counter(
                "hongyan_entity_deposed_total",
                "Entities that ended because another node had taken over.",
            ),
            overloads: counter("hongyan_entity_overloads_total", "Requests refused by a full intake."),
        }
    }
}

struct Running<E: Entity> {
    address: Addr<EntityActor<E>>,
    intake: Arc<Intake<E>>,
    tenure: Tenure,
}

impl<E: Entity> Clone for Running<E> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            intake: Arc::clone(&self.intake),
            tenure: self.tenure,
        }
    }
}

/// The keys are of our own making, so nobody can choose them to collide; and two runs of one simulation go through a table in one order.
type Hashed = BuildHasherDefault<DefaultHasher>;

/// Those of one partition.
type Table<E> = HashMap<<E as Entity>::Key, Running<E>, Hashed>;

/// By partition, because partitions leave as a whole: what the others hold costs such a move nothing.
type Shard<E> = Mutex<HashMap<Partition, Table<E>, Hashed>>;

/// The entities of one kind. Clones share them.
pub struct EntityHost<E: Entity>(Arc<Inner<E>>);

impl<E: Entity> Clone for EntityHost<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<E: Entity> {
    env: Env,
    arbiters: Arbiters,
    services: E::Services,
    options: EntityOptions,
    shards: Vec<Shard<E>>,
    metrics: Metrics,
}

impl<E: Entity> EntityHost<E> {
    /// A host without entities, and its sweeper.
    #[must_use]
    pub fn start(env: Env, arbiters: Arbiters, services: E::Services, options: EntityOptions) -> Self {
        let host = Self(Arc::new(Inner {
            metrics: Metrics::new(E::Key::KIND, options.activations_max),
            env: env.clone(),
            arbiters: arbiters.clone(),
            services,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            options: options.clone(),
        }));
        let weak = Arc::downgrade(&host.0);
        arbiters.spawn(0, move || sweep_forever(env, weak, options.sweep));
        host
    }
    /// Hands `request` to the entity `key`, starting it if need be, and waits for the reply, on these `terms`.
    ///
    /// # Errors
    /// As [`HostError`] says.
    pub async fn ask(&self, key: &E::Key, request: E::Request, terms: &Terms) -> Result<E::Reply, HostError> {
        let (sender, receiver) = oneshot::channel();
        let inner = &*self.0;
        let now = inner.env.now_micros();
        let envelope = Envelope::new(request, sender, terms, now);
        inner.tell(key, envelope, terms.tenure, now)?;
        match inner.env.timeout(terms.within, receiver).await {
            Some(Ok(reply)) => Ok(reply),
            Some(Err(_)) => Err(HostError::Unavailable),
            None => Err(HostError::Deadline),
        }
    }
    /// Passivates every entity, waiting at most `grace`: for a quick next start, not for safety.
    pub async fn passivate_all(&self, grace: Duration) {
        let inner = &self.0;
        let all = async {
            let mut pause = LEAVE_PAUSE_MIN;
            while inner.sweep(Duration::ZERO, 0) > 0 {
                inner.env.sleep(pause).await;
                pause = (2 * pause).min(LEAVE_PAUSE_MAX);
            }
        };
        let _ = inner.env.timeout(grace, all).await;
    }
    /// What the entities of this kind work with.
    #[must_use]
    pub fn services(&self) -> &E::Services {
        &self.0.services
    }
    /// Passivates the entities of `partition`, waiting at most `grace` until they are gone; whoever is left then is
    /// cut off, and its waiting requests are answered `Unavailable`.
    pub async fn release(&self, partition: Partition, grace: Duration) {
        let inner = &self.0;
        let gone = async {
            let mut pause = LEAVE_PAUSE_MIN;
            loop {
                let left = inner.those_of(partition);
                if left.is_empty() {
                    return;
                }
                for (_, running) in left {
                    // Refused by a full buffer: asked again soon.
                    let _ = running.address.try_send(Passivate);
                }
                inner.env.sleep(pause).await;
                pause = (2 * pause).min(LEAVE_PAUSE_MAX);
            }
        };
        if inner.env.timeout(grace, gone).await.is_none() {
            for (key, running) in inner.those_of(partition) {
                inner.cut_off(&key, &running);
            }
        }
    }
    /// Cuts off the entities that `lost` names at once, without a last write: another node owns them already. Their waiting
    /// requests are answered `Unavailable`.
    pub fn abandon(&self, lost: impl Fn(&EntityId) -> bool) {
        for (key, running) in self.0.chosen(&lost) {
            self.0.cut_off(&key, &running);
        }
    }
    /// Entities in memory.
    #[must_use]
    pub fn active_count(&self) -> usize {
        let count = |shard: &Shard<E>| shard.lock().values().map(HashMap::len).sum::<usize>();
        self.0.shards.iter().map(count).sum()
    }
}

impl<E: Entity> Inner<E> {
    fn tell(&self, key: &E::Key, mut envelope: Envelope<E>, tenure: Tenure, now: u64) -> Result<(), HostError> {
        let epoch = tenure.epoch;
        loop {
            let (running, back) = match self.start_or_find(key, envelope, tenure, now) {
                Ok(()) => break,
                Err(found) => found,
            };
            if running.tenure.epoch > epoch {
                return Err(HostError::Unavailable);
            }
            if running.tenure.epoch < epoch {
                // Others may have owned it in between: what it knows is worth nothing.
                self.cut_off(key, &running);
                envelope = back;
                continue;
            }
            match running.intake.offer(back, now, self.options.intake_requests_max) {
                Offer::Queued => break,
                Offer::Wake => {
                    // Refused only by an actor that has just died; its drop closes the intake and answers.
                    let _ = running.address.try_send(Wake);
                    break;
                }
                Offer::Full => {
                    self.metrics.overloads.inc();
                    return Err(HostError::Overloaded);
                }
                Offer::Closed(back) => {
                    self.forget(key, &running);
                    envelope = back;
                }
            }
        }
        self.metrics.waiting.inc();
        Ok(())
    }
    fn shard(&self, partition: Partition) -> &Shard<E> {
        &self.shards[partition.index() % SHARDS]
    }
    /// Starts the entity with `envelope` in its intake; gives that back with the entity if it runs already. An actor never
    /// starts with an empty intake: one that cannot activate would be gone before its request came, and the request start
    /// another.
    fn start_or_find(
        &self,
        key: &E::Key,
        envelope: Envelope<E>,
        tenure: Tenure,
        now: u64,
    ) -> Result<(), (Running<E>, Envelope<E>)> {
        let mut shard = self.shard(tenure.partition).lock();
        let table = shard.entry(tenure.partition).or_default();
        if let Some(running) = table.get(key) {
            return Err((running.clone(), envelope));
        }
        let intake = Arc::new(Intake::new(envelope, now));
        let (services, metrics) = (self.services.clone(), self.metrics.clone());
        let (actor_key, actor_intake) = (key.clone(), Arc::clone(&intake));
        let address = self.arbiters.start_actor(key.entity_id().stable_hash(), move || {
            EntityActor::new(actor_key, (services, tenure), actor_intake, metrics)
        });
        let running = Running {
            address,
            intake,
            tenure,
        };
        table.insert(key.clone(), running);
        Ok(())
    }
    /// Drops the table's entry of this life of the entity.
    fn forget(&self, key: &E::Key, life: &Running<E>) {
        let partition = life.tenure.partition;
        let mut shard = self.shard(partition).lock();
        let Some(table) = shard.get_mut(&partition) else { return };
        if table
            .get(key)
            .is_some_and(|running| Arc::ptr_eq(&running.intake, &life.intake))
        {
            table.remove(key);
        }
    }
    /// Takes no more requests for this life of the entity and answers those that wait; it ends by itself.
    fn cut_off(&self, key: &E::Key, running: &Running<E>) {
        running.intake.close();
        self.forget(key, running);
        // Refused by a full buffer: a wake-up there shows it the same.
        let _ = running.address.try_send(Passivate);
    }
    /// The living ones of `partition`.
    fn those_of(&self, partition: Partition) -> Vec<(E::Key, Running<E>)> {
        let mut shard = self.shard(partition).lock();
        let Some(table) = shard.get_mut(&partition) else {
            return Vec::new();
        };
        table.retain(|_, running| !running.intake.is_closed());
        if table.is_empty() {
            shard.remove(&partition);
            return Vec::new();
        }
        let those = table.iter().map(|(key, running)| (key.clone(), running.clone()));
        those.collect()
    }
    fn chosen(&self, leave: &impl Fn(&EntityId) -> bool) -> Vec<(E::Key, Running<E>)> {
        let mut chosen = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let living = shard
                .values()
                .flatten()
                .filter(|(_, running)| !running.intake.is_closed());
            let leaving = living.filter(|(key, _)| leave(&key.entity_id()));
            chosen.extend(leaving.map(|(key, running)| (key.clone(), running.clone())));
        }
        chosen
    }
    /// Passivates what was not used for `idle`, and the longest unused beyond `memory_octets_max`. Says how many are left.
    fn sweep(&self, idle: Duration, memory_octets_max: usize) -> usize {
        let now = self.env.now_micros();
        let idle_micros = u64::try_from(idle.as_micros()).unwrap_or(u64::MAX);
        let mut candidates = Vec::new();
        let (mut octets, mut count) = (0, 0);
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.retain(|_, table| {
                table.retain(|_, running| !running.intake.is_closed());
                // A burst's table is not kept after the burst.
                if table.capacity() > 4 * table.len() + 16 {
                    table.shrink_to_fit();
                }
                !table.is_empty()
            });
            for running in shard.values().flat_map(HashMap::values) {
                count += 1;
                octets += running.intake.memory_octets();
                candidates.push((running.intake.used_micros(), running.clone()));
            }
        }
        self.metrics.memory.set(i64::try_from(octets).unwrap_or(i64::MAX));
        candidates.sort_by_key(|(used, _)| *used);
        for (used, running) in candidates {
            let is_idle = now.saturating_sub(used) >= idle_micros;
            if !is_idle && octets <= memory_octets_max {
                break;
            }
            octets = octets.saturating_sub(running.intake.memory_octets());
            // Refused by a full buffer: it has a wake-up there, so it is not idle.
            let _ = running.address.try_send(Passivate);
        }
        count
    }
}

async fn sweep_forever<E: Entity>(env: Env, host: Weak<Inner<E>>, period: Duration) {
    loop {
        env.sleep(period).await;
        let Some(host) = host.upgrade() else { return };
        host.sweep(host.options.idle, host.options.memory_octets_max);
    }
}
