//! A cluster of metadata alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_metadata::{
    Applied, Arrival, Change, ClusterMap, Founding, MemoryDisk, Metadata, MetadataOptions, NodeId, NodeRecord,
    NodeState, ProposeError, Protocols, StartError,
};
use hongyan_transport::{SimNetwork, Transport};

pub const WITHIN: Duration = Duration::from_secs(10);
const TOKEN: [u8; 32] = [7; 32];

pub struct Cluster {
    pub network: SimNetwork,
    pub nodes: BTreeMap<u64, Metadata>,
    pub disks: BTreeMap<u64, MemoryDisk>,
    pub options: MetadataOptions,
    seed: u64,
    lives: u64,
}

/// One simulation on a thread of its own time.
pub fn simulate<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run)
}

pub fn record(id: u64) -> NodeRecord {
    NodeRecord {
        name: format!("node{id}"),
        data_center: "dc".to_owned(),
        rack: format!("r{id}"),
        weight: 100,
        key: [u8::try_from(id).unwrap(); 32],
        ..NodeRecord::default()
    }
}

pub const PROTOCOLS: Protocols = Protocols { oldest: 1, newest: 1 };

impl Cluster {
    pub fn new(seed: u64) -> Self {
        Self {
            network: SimNetwork::new(env(seed), seed),
            nodes: BTreeMap::new(),
            disks: BTreeMap::new(),
            options: MetadataOptions::default(),
            seed,
            lives: 0,
        }
    }
    /// Nodes 1 to `count` of a cluster of 8 partitions, all of them up.
    pub async fn of(seed: u64, count: u64) -> Self {
        let mut cluster = Self::new(seed);
        cluster.found().await;
        for _ in 1..count {
            cluster.join().await;
        }
        cluster.settle().await;
        cluster
    }
    pub async fn found(&mut self) {
        self.start(1).await.unwrap();
        let founding = Founding {
            cluster: 77,
            partitions: 8,
            authority: b"authority".to_vec(),
            node: 1,
            record: record(1),
        };
        self.nodes[&1].found(founding, WITHIN).await.unwrap();
        self.arrive(1).await.unwrap();
    }
    /// Admits another node and starts it.
    pub async fn join(&mut self) -> u64 {
        let next = self.nodes[&1].map().next_node;
        let expires_millis = i64::MAX;
        let invite = Change::Invite {
            token: TOKEN,
            expires_millis,
        };
        self.propose(1, invite).await.unwrap();
        let admit = Change::Admit {
            token: TOKEN,
            now_millis: 0,
            record: record(next),
        };
        let id = self.propose(1, admit).await.unwrap().number;
        assert_eq!(id, next);
        self.start(id).await.unwrap();
        self.arrive(id).await.unwrap();
        id
    }
    pub fn disk(&mut self, id: u64) -> MemoryDisk {
        let env = env(self.seed);
        self.disks.entry(id).or_insert_with(|| MemoryDisk::new(env)).clone()
    }
    pub async fn start(&mut self, id: u64) -> Result<(), StartError> {
        self.lives += 1;
        let env = env(self.seed * 1000 + id * 100 + self.lives);
        let disk = self.disk(id);
        let transport: Arc<dyn Transport> = self.network.join(NodeId(id));
        let contacts = vec![NodeId(1), NodeId(2), NodeId(3)];
        let node = Metadata::start(
            env,
            NodeId(id),
            Arc::new(disk),
            transport,
            contacts,
            self.options.clone(),
        )
        .await?;
        self.nodes.insert(id, node);
        Ok(())
    }
    pub async fn arrive(&self, id: u64) -> Result<Applied, ProposeError> {
        self.nodes[&id].trusted().await;
        let before = self
            .nodes
            .values()
            .filter_map(|node| node.map().nodes.get(&id).cloned())
            .next_back();
        if let Some(before) = before.filter(|before| before.state.is_alive()) {
            let fail = Change::Fail {
                node: id,
                incarnation: before.incarnation,
                assignments: Vec::new(),
            };
            self.propose(id, fail).await?;
        }
        let arrival = Arrival {
            node: id,
            incarnation: self.nodes[&id].incarnation(),
            address: format!("node{id}"),
            release: "1".to_owned(),
            protocols: PROTOCOLS,
        };
        self.propose(id, Change::Arrive(arrival)).await
    }
    /// Power off: what was not on disk is gone.
    pub async fn crash(&mut self, id: u64) {
        self.network.crash(NodeId(id));
        let disk = self.disks[&id].crash();
        self.disks.insert(id, disk);
        let node = self.nodes.remove(&id).unwrap();
        node.stop().await;
    }
    pub async fn propose(&self, by: u64, change: Change) -> Result<Applied, ProposeError> {
        self.nodes[&by].propose(change, WITHIN).await
    }
    pub async fn set(&self, by: u64, key: &str) -> Result<Applied, ProposeError> {
        let change = Change::Set {
            key: key.to_owned(),
            value: Some("x".to_owned()),
        };
        self.propose(by, change).await
    }
    pub fn map(&self, of: u64) -> Arc<ClusterMap> {
        self.nodes[&of].map()
    }
    /// The node that leads, by its own account; the latest when there are several.
    pub fn leader(&self) -> Option<u64> {
        let leading = self.nodes.values().filter(|node| node.leadership().borrow().here);
        leading
            .max_by_key(|node| node.leadership().borrow().term)
            .map(|node| node.node().0)
    }
    /// Waits until `true`, for at most a minute of simulated time.
    pub async fn until(&self, what: &str, mut is: impl FnMut(&Self) -> bool) {
        for _ in 0..6000 {
            if is(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("seed {}: never: {what}", self.seed);
    }
    /// Waits until all nodes know the same map, led by one of them, with the voters there should be.
    pub async fn settle(&self) {
        let agreed = |cluster: &Self| {
            let maps: Vec<_> = cluster.nodes.values().map(Metadata::map).collect();
            let Some(leader) = cluster.leader() else { return false };
            let members = cluster.nodes[&leader].members();
            let wanted = hongyan_metadata::choose_voters(&maps[0], &members.voters, cluster.options.voters_max);
            let all: BTreeSet<u64> = members.voters.union(&members.learners).copied().collect();
            let staying = maps[0]
                .nodes
                .iter()
                .filter(|(_, record)| record.state != NodeState::Left);
            maps.iter().all(|map| *map == maps[0])
                && members.voters == wanted
                && !members.changing
                && staying.map(|(id, _)| *id).eq(all)
        };
        self.until("agreement", agreed).await;
        self.nodes.values().for_each(|node| node.map().check());
    }
}

pub fn env(seed: u64) -> Env {
    Env::simulated(SimulatedHost {
        network: SimulatedNetwork::new(seed),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        seed,
        clock_rate_ppm: 0,
        wall_ahead_millis: 0,
        dns: Arc::new(ZoneDns::default()),
    })
}
