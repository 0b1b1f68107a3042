//! Nodes with metadata and membership, a shared store of fences, and a watcher that looks every millisecond.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hongyan_env::{BoxFuture, Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_membership::{
    Fence, FenceError, Host, Membership, MembershipOptions, MembershipParts, NodeId, Owned, Partition,
};
use hongyan_metadata::{Change, ClusterMap, Founding, MemoryDisk, Metadata, MetadataOptions, NodeRecord, Protocols};
use hongyan_transport::{RelayOptions, RelayTransport, SimNetwork, Transport};
use parking_lot::Mutex;
use tokio::sync::watch;

pub const PARTITIONS: u16 = 24;
const WITHIN: Duration = Duration::from_secs(10);
const TOKEN: [u8; 32] = [7; 32];

/// The fences in a data store that all nodes share.
#[derive(Clone)]
pub struct Store {
    env: Env,
    fences: Arc<Mutex<BTreeMap<Partition, u64>>>,
    pub down: Arc<AtomicBool>,
    /// Whether the node that holds this reaches it.
    reached: watch::Receiver<bool>,
}

impl Fence for Store {
    fn raise(&self, partitions: Vec<(Partition, u64)>) -> BoxFuture<'_, Vec<Result<(), FenceError>>> {
        Box::pin(async move {
            self.env.sleep(Duration::from_millis(2)).await;
            if self.down.load(Ordering::Acquire) || !*self.reached.borrow() {
                return partitions
                    .iter()
                    .map(|_| Err(FenceError::Store("down".to_owned())))
                    .collect();
            }
            let mut fences = self.fences.lock();
            let mut raise = |(partition, epoch): (Partition, u64)| {
                let stored = fences.entry(partition).or_insert(1);
                if *stored > epoch {
                    return Err(FenceError::Later);
                }
                *stored = epoch;
                Ok(())
            };
            partitions.into_iter().map(&mut raise).collect()
        })
    }
}

/// Entities that need a moment to let go.
struct Entities(Env);

impl Host for Entities {
    fn warm(&self, _: Partition) -> BoxFuture<'_, ()> {
        Box::pin(self.0.sleep(Duration::from_millis(3)))
    }
    fn release(&self, _: Partition) -> BoxFuture<'_, ()> {
        Box::pin(self.0.sleep(Duration::from_millis(2)))
    }
}

pub struct Node {
    pub metadata: Metadata,
    pub membership: Membership,
}

pub type Nodes = Arc<Mutex<BTreeMap<u64, Arc<Node>>>>;

pub struct Cluster {
    pub network: SimNetwork,
    pub nodes: Nodes,
    pub disks: BTreeMap<u64, MemoryDisk>,
    pub store: Store,
    pub clock: Env,
    /// The longest time, in milliseconds, that any partition had no owner; reset by [`Self::forget_gaps`].
    pub longest_gap: Arc<AtomicU64>,
    /// Clock rates of nodes, in millionths.
    pub rates: BTreeMap<u64, i32>,
    pub protocols: Protocols,
    pub options: MembershipOptions,
    /// The first moment at which two nodes answered for one partition.
    pub violation: Arc<Mutex<Option<String>>>,
    /// Whether each node that ever ran reaches the store.
    able: BTreeMap<u64, watch::Sender<bool>>,
    seed: u64,
    lives: u64,
}

pub fn simulate<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run)
}

pub fn env(seed: u64, rate_ppm: i32) -> Env {
    Env::simulated(SimulatedHost {
        network: SimulatedNetwork::new(seed),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        seed,
        clock_rate_ppm: rate_ppm,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}

fn record(id: u64) -> NodeRecord {
    NodeRecord {
        name: format!("node{id}"),
        data_center: "dc".to_owned(),
        rack: format!("r{id}"),
        weight: 100,
        key: [u8::try_from(id).unwrap(); 32],
        ..NodeRecord::default()
    }
}

impl Cluster {
    pub fn new(seed: u64) -> Self {
        let clock = env(seed, 0);
        let cluster = Self {
            network: SimNetwork::new(clock.clone(), seed),
            nodes: Nodes::default(),
            disks: BTreeMap::new(),
            store: Store {
                env: clock.clone(),
                fences: Arc::default(),
                down: Arc::default(),
                reached: watch::channel(true).1,
            },
            clock,
            longest_gap: Arc::default(),
            rates: BTreeMap::new(),
            protocols: Protocols { oldest: 1, newest: 1 },
            options: MembershipOptions::default(),
            violation: Arc::default(),
            able: BTreeMap::new(),
            seed,
            lives: 0,
        };
        cluster.watch();
        cluster
    }
    /// Nodes 1 to `count`, each with its share of the partitions.
    pub async fn of(seed: u64, count: u64) -> Self {
        Self::with_rates(seed, count, BTreeMap::new()).await
    }
    pub async fn with_rates(seed: u64, count: u64, rates: BTreeMap<u64, i32>) -> Self {
        let mut cluster = Self::new(seed);
        cluster.rates = rates;
        cluster.found(count).await;
        cluster
    }
    pub async fn found(&mut self, count: u64) {
        self.start(1).await;
        let founding = Founding {
            cluster: 5,
            partitions: u32::from(PARTITIONS),
            authority: Vec::new(),
            node: 1,
            record: record(1),
        };
        self.node(1).metadata.found(founding, WITHIN).await.unwrap();
        for _ in 1..count {
            self.join().await;
        }
        self.settle().await;
    }
    pub async fn join(&mut self) -> u64 {
        let id = self.admit().await;
        self.start(id).await;
        id
    }
    pub async fn admit(&self) -> u64 {
        let invite = Change::Invite {
            token: TOKEN,
            expires_millis: i64::MAX,
        };
        self.propose(invite).await;
        let next = self.map().next_node;
        self.propose(Change::Admit {
            token: TOKEN,
            now_millis: 0,
            record: record(next),
        })
        .await
    }
    pub async fn start(&mut self, id: u64) {
        let env = self.node_env(id);
        let disk_env = self.clock.clone();
        let disk = self
            .disks
            .entry(id)
            .or_insert_with(|| MemoryDisk::new(disk_env))
            .clone();
        let direct = self.network.join(NodeId(id));
        let transport: Arc<dyn Transport> = RelayTransport::start(env.clone(), direct, RelayOptions::default());
        let metadata = Metadata::start(
            env.clone(),
            NodeId(id),
            Arc::new(disk),
            Arc::clone(&transport),
            vec![NodeId(1), NodeId(2), NodeId(3)],
            MetadataOptions::default(),
        )
        .await
        .unwrap();
        let able = self
            .able
            .entry(id)
            .or_insert_with(|| watch::Sender::new(true))
            .subscribe();
        let store = Store {
            reached: able.clone(),
            ..self.store.clone()
        };
        let membership = Membership::start(MembershipParts {
            env: env.clone(),
            metadata: metadata.clone(),
            transport,
            fence: Arc::new(store),
            host: Arc::new(Entities(env)),
            able,
            partitions: usize::from(PARTITIONS),
            address: format!("node{id}"),
            release: "1".to_owned(),
            protocols: self.protocols,
            options: self.options.clone(),
        });
        let node = Node { metadata, membership };
        self.nodes.lock().insert(id, Arc::new(node));
    }
    /// From now on node `id` reaches the store, or does not and says so.
    pub fn set_able(&mut self, id: u64, is_able: bool) {
        let able = self.able.entry(id).or_insert_with(|| watch::Sender::new(true));
        able.send_replace(is_able);
    }
    fn node_env(&mut self, id: u64) -> Env {
        self.lives += 1;
        env(
            self.seed * 1000 + id * 100 + self.lives,
            self.rates.get(&id).copied().unwrap_or(0),
        )
    }
    pub async fn crash(&mut self, id: u64) {
        self.network.crash(NodeId(id));
        let disk = self.disks[&id].crash();
        self.disks.insert(id, disk);
        let node = self.nodes.lock().remove(&id).unwrap();
        node.membership.stop();
        node.metadata.stop().await;
    }
    pub fn node(&self, id: u64) -> Arc<Node> {
        Arc::clone(&self.nodes.lock()[&id])
    }
    pub fn ids(&self) -> Vec<u64> {
        self.nodes.lock().keys().copied().collect()
    }
    pub fn leader(&self) -> Option<u64> {
        let nodes = self.nodes.lock();
        let leading = nodes
            .iter()
            .filter(|(_, node)| node.metadata.leadership().borrow().here);
        leading
            .max_by_key(|(_, node)| node.metadata.leadership().borrow().term)
            .map(|(id, _)| *id)
    }
    /// The newest map that any node knows.
    pub fn map(&self) -> Arc<ClusterMap> {
        let nodes = self.nodes.lock();
        nodes
            .values()
            .map(|node| node.metadata.map())
            .max_by_key(|map| map.version)
            .unwrap()
    }
    pub async fn propose(&self, change: Change) -> u64 {
        let node = self.nodes.lock().values().next().cloned().unwrap();
        node.metadata.propose(change, WITHIN).await.unwrap().number
    }
    /// How many partitions each node answers for at this moment.
    pub fn shares(&self) -> BTreeMap<u64, usize> {
        let owned = |node: &Arc<Node>| {
            let ownership = node.membership.ownership();
            (0..PARTITIONS)
                .filter(|index| matches!(ownership.check(Partition(*index)), Owned::Here { .. }))
                .count()
        };
        self.nodes.lock().iter().map(|(id, node)| (*id, owned(node))).collect()
    }
    pub fn is_all_served(&self) -> bool {
        self.shares().values().sum::<usize>() == usize::from(PARTITIONS)
    }
    pub async fn until(&self, what: &str, mut is: impl FnMut(&Self) -> bool) -> Duration {
        let start = self.clock.now_micros();
        for _ in 0..60_000 {
            if is(self) {
                return Duration::from_micros(self.clock.now_micros() - start);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!(
            "seed {}: never: {what}; shares {:?}, leader {:?}, map {:?}",
            self.seed,
            self.shares(),
            self.leader(),
            self.map()
        );
    }
    /// Everything is served where it belongs.
    pub async fn settle(&self) -> Duration {
        let settled = |cluster: &Self| {
            let map = cluster.map();
            let alive = |id: &u64| map.nodes.get(id).is_some_and(|record| record.state.is_alive());
            let wanted = rightful_owners(&map);
            cluster.ids().iter().all(alive)
                && cluster.is_all_served()
                && map.partitions.iter().map(|slot| slot.owner).eq(wanted)
        };
        self.until("everything where it belongs", settled).await
    }
    pub fn forget_gaps(&self) {
        self.longest_gap.store(0, Ordering::Release);
    }
    pub fn gap(&self) -> Duration {
        Duration::from_millis(self.longest_gap.load(Ordering::Acquire))
    }
    /// Looks every millisecond that no two nodes answer for one partition, and how long nobody does.
    fn watch(&self) {
        let (nodes, longest) = (Arc::clone(&self.nodes), Arc::clone(&self.longest_gap));
        let (violation, seed) = (Arc::clone(&self.violation), self.seed);
        tokio::spawn(async move {
            let mut unserved = vec![0_u64; usize::from(PARTITIONS)];
            loop {
                let here = nodes.lock().clone();
                for index in 0..PARTITIONS {
                    let owners: Vec<(u64, Owned)> = here
                        .iter()
                        .map(|(id, node)| (*id, node.membership.ownership().check(Partition(index))))
                        .filter(|(_, owned)| matches!(owned, Owned::Here { .. }))
                        .collect();
                    if owners.len() > 1 {
                        let what = format!("seed {seed}: partition {index} is answered for by {owners:?}");
                        violation.lock().get_or_insert(what);
                    }
                    let gap = &mut unserved[usize::from(index)];
                    *gap = if owners.is_empty() { *gap + 1 } else { 0 };
                    longest.fetch_max(*gap, Ordering::AcqRel);
                }
                here.values().for_each(|node| node.membership.check());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let violation = self.violation.lock().take();
        assert!(std::thread::panicking() || violation.is_none(), "{violation:?}");
    }
}

fn rightful_owners(map: &ClusterMap) -> Vec<u64> {
    let rendezvous =
        hongyan_placement::Rendezvous::new(&map.placement_nodes(), &hongyan_placement::Preference::default());
    let owners = rendezvous.owners(map.partitions.len());
    owners.into_iter().map(|owner| owner.map_or(0, |node| node.0)).collect()
}
