//! Nodes on a simulated network with one disk between them, and ownership that a test moves.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{
    ActivateError, Arbiters, Entity, EntityHost, EntityKey, EntityOptions, Envelope, Epoch, RequestId, Tenure,
    WireEntity, WireError,
};
use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_placement::{Partition, Partitions};
use hongyan_router::{Ask, Cluster, Hints, Located, Placement, Router, RouterOptions};
use hongyan_transport::{NodeId, SimNetwork};
use parking_lot::Mutex;
use tokio::sync::watch;

/// Runs `work` on one thread in virtual time.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// More than the default, and no power of two.
pub static PARTITIONS: LazyLock<Partitions> = LazyLock::new(|| Partitions::new(40_000).unwrap());

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId(pub u32);

impl LedgerId {
    pub fn partition(self) -> Partition {
        PARTITIONS.of_hash(self.entity_id().stable_hash())
    }
}

impl EntityKey for LedgerId {
    const KIND: &'static str = "test-ledger";
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.0.to_be_bytes());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// What the nodes share: each ledger's lines in order, what was answered to whom, and the owning epochs.
#[derive(Default)]
pub struct Disk {
    pub lines: BTreeMap<LedgerId, Vec<u64>>,
    pub done: BTreeMap<RequestId, u64>,
    pub fences: BTreeMap<Partition, Epoch>,
    pub attempts: BTreeMap<u64, u32>,
}

#[derive(Clone)]
pub struct Services {
    pub env: Env,
    pub disk: Arc<Mutex<Disk>>,
    pub hints: Hints,
}

/// A list of lines on the shared disk.
pub struct LedgerEntity {
    id: LedgerId,
    tenure: Tenure,
    services: Services,
    is_deposed: bool,
}

/// Writes a line; the reply is how many there are.
#[derive(Clone)]
pub struct Write(pub u64);

impl Entity for LedgerEntity {
    type Key = LedgerId;
    type Request = Write;
    type Reply = u64;
    type Services = Services;

    async fn activate(services: Services, id: LedgerId, tenure: Tenure) -> Result<Self, ActivateError> {
        services.env.sleep(Duration::from_micros(300)).await;
        Ok(Self {
            id,
            tenure,
            services,
            is_deposed: false,
        })
    }
    async fn handle(&mut self, batch: Vec<Envelope<Self>>) {
        let pause = self.services.env.random_u64() % 3000;
        self.services.env.sleep(Duration::from_micros(pause)).await;
        let mut replies = Vec::new();
        {
            let disk = &mut *self.services.disk.lock();
            if disk
                .fences
                .get(&self.tenure.partition)
                .is_some_and(|owner| *owner != self.tenure.epoch)
            {
                self.is_deposed = true;
                return;
            }
            for envelope in batch {
                let id = envelope.id;
                let (Write(line), replier) = envelope.split();
                *disk.attempts.entry(line).or_default() += 1;
                let reply = *disk.done.entry(id).or_insert_with(|| {
                    let lines = disk.lines.entry(self.id).or_default();
                    lines.push(line);
                    lines.len() as u64
                });
                replies.push((replier, reply));
            }
        }
        for (replier, reply) in replies {
            self.services.hints.publish(&self.id, reply);
            replier.send(reply);
        }
    }
    fn is_deposed(&self) -> bool {
        self.is_deposed
    }
    fn memory_octets(&self) -> usize {
        100
    }
    async fn passivate(&mut self) {}
}

impl WireEntity for LedgerEntity {
    fn encode_request(_: &Services, request: &Write) -> Result<Bytes, WireError> {
        Ok(Bytes::copy_from_slice(&request.0.to_be_bytes()))
    }
    fn decode_request(_: &Services, bytes: Bytes) -> Result<Write, WireError> {
        Ok(Write(number(&bytes)?))
    }
    fn encode_reply(_: &Services, _: &Write, reply: &u64) -> Result<Bytes, WireError> {
        Ok(Bytes::copy_from_slice(&reply.to_be_bytes()))
    }
    fn decode_reply(_: &Services, _: &Write, bytes: Bytes) -> Result<u64, WireError> {
        number(&bytes)
    }
}

fn number(bytes: &[u8]) -> Result<u64, WireError> {
    let bytes = bytes.try_into().map_err(|_| WireError("not eight octets".into()))?;
    Ok(u64::from_be_bytes(bytes))
}

impl Ask for Write {
    type Entity = LedgerEntity;
    type Reply = u64;
    fn into_request(self) -> Write {
        self
    }
    fn from_reply(reply: u64) -> Option<u64> {
        Some(reply)
    }
}

/// One node's belief of who owns what; a test tells it, late or never.
pub struct Belief {
    owners: Mutex<BTreeMap<Partition, Located>>,
    changed: watch::Sender<u64>,
}

impl Belief {
    pub fn set(&self, partition: Partition, located: Located) {
        self.owners.lock().insert(partition, located);
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Placement for Belief {
    fn partitions(&self) -> Partitions {
        *PARTITIONS
    }
    fn locate(&self, partition: Partition) -> Located {
        self.owners.lock().get(&partition).copied().unwrap_or(Located::Unknown)
    }
    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

pub struct Node {
    pub id: NodeId,
    pub router: Router,
    pub host: EntityHost<LedgerEntity>,
    pub belief: Arc<Belief>,
    pub env: Env,
}

pub struct World {
    pub network: SimNetwork,
    pub disk: Arc<Mutex<Disk>>,
    pub nodes: Vec<Node>,
    sockets: SimulatedNetwork,
    lives: u64,
    seed: u64,
}

impl World {
    pub fn new(seed: u64, nodes: u64) -> Self {
        let sockets = SimulatedNetwork::new(seed);
        let mut world = Self {
            network: SimNetwork::new(env(&sockets, 0, seed), seed),
            disk: Arc::default(),
            nodes: Vec::new(),
            sockets,
            lives: 0,
            seed,
        };
        for id in 1..=nodes {
            let node = world.start(NodeId(id));
            world.nodes.push(node);
        }
        world
    }
    fn start(&mut self, id: NodeId) -> Node {
        self.lives += 1;
        let env = env(&self.sockets, id.0, self.seed << 16 | self.lives);
        let belief = Arc::new(Belief {
            owners: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let cluster = Cluster {
            placement: Arc::<Belief>::clone(&belief),
            transport: self.network.join_local(id),
            options: RouterOptions::default(),
        };
        let router = Router::clustered(env.clone(), Arbiters::local(), cluster);
        let services = Services {
            env: env.clone(),
            disk: Arc::clone(&self.disk),
            hints: router.hints(),
        };
        let host = router.serve_everywhere::<LedgerEntity>(services, EntityOptions::default());
        Node {
            id,
            router,
            host,
            belief,
            env,
        }
    }
    /// The node crashes and starts again, knowing nothing.
    pub fn restart(&mut self, at: usize) {
        self.nodes[at].host.abandon(|_| true);
        self.nodes[at] = self.start(self.nodes[at].id);
    }
    /// Tells every node who owns the partition of `ledger`, and raises its fence.
    pub fn give(&self, ledger: LedgerId, owner: usize, epoch: u64) {
        self.raise(ledger, epoch);
        self.give_partition(ledger.partition(), owner, epoch);
    }
    pub fn give_partition(&self, partition: Partition, owner: usize, epoch: u64) {
        for at in 0..self.nodes.len() {
            self.tell_partition(partition, owner, epoch, at);
        }
    }
    pub fn raise(&self, ledger: LedgerId, epoch: u64) {
        self.disk.lock().fences.insert(ledger.partition(), Epoch(epoch));
    }
    /// Tells one node.
    pub fn tell(&self, ledger: LedgerId, owner: usize, epoch: u64, at: usize) {
        self.tell_partition(ledger.partition(), owner, epoch, at);
    }
    fn tell_partition(&self, partition: Partition, owner: usize, epoch: u64, at: usize) {
        let located = if owner == at {
            Located::Here { epoch: Epoch(epoch) }
        } else {
            Located::There(self.nodes[owner].id)
        };
        self.nodes[at].belief.set(partition, located);
    }
}

fn env(sockets: &SimulatedNetwork, number: u64, seed: u64) -> Env {
    Env::simulated(SimulatedHost {
        network: sockets.clone(),
        address: IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap())),
        seed,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}
