//! What the nodes of a run have as a cluster: the network between them, their disks, how they found it.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_cluster::Member;
use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_membership::{Owned, Partition};
use hongyan_metadata::{Change, Founding, MemoryDisk, MetadataOptions, NodeRecord};
use hongyan_transport::{LinkOptions, NodeId, SimNetwork};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::node::ClusterPlace;
use crate::plan::{Faults, Plan};
use crate::world::World;

/// How long the making of the cluster may take.
const MAKE_WITHIN: Duration = Duration::from_secs(60);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// What a bad link does to calls between nodes.
const SLOW: LinkOptions = LinkOptions {
    latency_min: Duration::from_millis(20),
    latency_max: Duration::from_millis(150),
    has_outliers: true,
    loss_per_million: 50_000,
    octets_per_second: Some(1 << 20),
};

/// The cluster of a run.
pub(crate) struct Cluster {
    network: SimNetwork,
    disks: RefCell<Vec<MemoryDisk>>,
    releases: RefCell<Vec<u32>>,
    plan: Plan,
}

/// The id of a node by its number in the run.
pub(crate) fn id(node: usize) -> NodeId {
    NodeId(node as u64 + 1)
}

impl Cluster {
    pub(crate) fn new(seed: u64, nodes: usize, plan: &Plan) -> Self {
        // The time of the network and the disks, which is nobody's clock.
        let env = Env::simulated(SimulatedHost {
            network: SimulatedNetwork::new(seed),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            seed,
            clock_rate_ppm: 0,
            wall_ahead_millis: 0,
            dns: Arc::new(ZoneDns::default()),
        });
        let disk = || {
            let disk = MemoryDisk::new(env.clone());
            disk.set_latency(Duration::from_millis(1));
            disk
        };
        Self {
            network: SimNetwork::new(env.clone(), seed ^ 0x6e65_7477),
            disks: RefCell::new((0..nodes).map(|_| disk()).collect()),
            releases: RefCell::new(vec![1; nodes]),
            plan: plan.clone(),
        }
    }
    /// What a life of `node` starts with.
    pub(crate) fn place(&self, node: usize) -> ClusterPlace {
        ClusterPlace {
            network: self.network.clone(),
            node: id(node),
            disk: self.disks.borrow()[node].clone(),
            contacts: (0..self.plan.nodes).map(id).collect(),
            partitions: self.plan.partitions,
            release: format!("{}.0", self.releases.borrow()[node]),
            mutant: self.plan.mutant,
            is_copy: false,
        }
    }
    /// What a second process starts with that has a copy of the disk of `node`.
    pub(crate) fn place_of_copy(&self, node: usize) -> ClusterPlace {
        ClusterPlace {
            disk: self.copy_disk(node),
            is_copy: true,
            ..self.place(node)
        }
    }
    /// The disk of `node` as it is now, on another one.
    pub(crate) fn copy_disk(&self, node: usize) -> MemoryDisk {
        let disk = self.disks.borrow()[node].copy();
        disk.set_latency(Duration::from_millis(1));
        disk
    }
    /// From now on the disk of `node` takes no writes, or does again.
    pub(crate) fn fill_disk(&self, node: usize, is_full: bool) {
        self.disks.borrow()[node].set_full(is_full);
    }
    pub(crate) fn set_disk(&self, node: usize, disk: MemoryDisk) {
        disk.set_latency(Duration::from_millis(1));
        self.disks.borrow_mut()[node] = disk;
    }
    /// From its next life on a node runs the next release.
    pub(crate) fn upgrade(&self, node: usize) {
        self.releases.borrow_mut()[node] += 1;
    }
    /// From now on the ways between nodes are as `faults` says.
    pub(crate) fn set_faults(&self, faults: &Faults) {
        self.network.set_ordinary_link(LinkOptions {
            latency_min: Duration::from_micros(50),
            latency_max: Duration::from_micros(faults.node_delay_micros_max.max(50)),
            has_outliers: false,
            loss_per_million: faults.node_loss_per_million,
            octets_per_second: None,
        });
    }
    /// Opens all ways.
    pub(crate) fn heal(&self) {
        for disk in &*self.disks.borrow() {
            disk.set_full(false);
        }
        self.network.heal_all();
    }
    /// Makes all ways bad.
    pub(crate) fn slow(&self) {
        self.network.set_ordinary_link(SLOW);
    }
    /// Cuts the way from `one` to `other` (1), the way back (2), or both (3).
    pub(crate) fn sever(&self, one: usize, other: usize, ways: u8) {
        if ways & 1 != 0 {
            self.network.cut(id(one), id(other));
        }
        if ways & 2 != 0 {
            self.network.cut(id(other), id(one));
        }
    }
    /// Cuts ways of `node`: to one other or all, one way or both.
    pub(crate) fn part(&self, node: usize, random: &mut StdRng) {
        let ways = random.random_range(1..=3);
        let only = random.random_bool(0.3).then(|| random.random_range(0..self.plan.nodes));
        for other in (0..self.plan.nodes).filter(|other| *other != node) {
            if only.is_some_and(|only| only != other) {
                continue;
            }
            if ways & 1 != 0 {
                self.network.cut(id(node), id(other));
            }
            if ways & 2 != 0 {
                self.network.cut(id(other), id(node));
            }
        }
    }
}

/// Starts all nodes; of a cluster the first founds it and the others are admitted.
pub(crate) async fn begin(world: &World) -> Result<()> {
    world.start(0);
    let Some(cluster) = world.cluster() else { return Ok(()) };
    let first = member(world, 0).await?;
    let founding = Founding {
        cluster: world.seed() | 1,
        partitions: u32::try_from(cluster.plan.partitions)?,
        authority: Vec::new(),
        node: id(0).0,
        record: record(0),
    };
    first
        .metadata()
        .found(founding, MAKE_WITHIN)
        .await
        .context("found the cluster")?;
    for node in 1..world.nodes() {
        admit(&first, node).await?;
        world.start(node);
    }
    for _ in 0..MAKE_WITHIN.as_millis() / LOOK.as_millis() {
        if is_served(world) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("partitions are not spread in {MAKE_WITHIN:?}")
}

async fn admit(first: &Member, node: usize) -> Result<()> {
    let token = [u8::try_from(node)?; 32];
    let invite = Change::Invite {
        token,
        expires_millis: i64::MAX,
    };
    first
        .metadata()
        .propose(invite, MAKE_WITHIN)
        .await
        .context("invite a node")?;
    let admit = Change::Admit {
        token,
        now_millis: 0,
        record: record(node),
    };
    let admitted = first
        .metadata()
        .propose(admit, MAKE_WITHIN)
        .await
        .context("admit a node")?;
    anyhow::ensure!(admitted.number == id(node).0, "another id than expected");
    Ok(())
}

fn record(node: usize) -> NodeRecord {
    NodeRecord {
        name: format!("node{node}"),
        data_center: "dc".to_owned(),
        rack: format!("rack{node}"),
        weight: 100,
        key: [u8::try_from(node + 1).unwrap_or(u8::MAX); 32],
        ..NodeRecord::default()
    }
}

/// The member of a node that has just been started.
pub(crate) async fn member(world: &World, node: usize) -> Result<Member> {
    for _ in 0..MAKE_WITHIN.as_millis() / LOOK.as_millis() {
        if let Some(member) = world.with_node(node, crate::node::NodeLife::member).flatten() {
            return Ok(member);
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("node {node} takes no part in {MAKE_WITHIN:?}")
}

/// How many partitions each living node answers for.
pub(crate) fn shares(world: &World) -> Vec<usize> {
    let share = |node: usize| {
        let member = world.with_node(node, crate::node::NodeLife::member).flatten();
        let ownership = member.map(|member| member.ownership());
        ownership.map_or(0, |ownership| {
            let partitions = (0..ownership.partitions()).filter_map(Partition::at);
            partitions
                .filter(|partition| matches!(ownership.check(*partition), Owned::Here { .. }))
                .count()
        })
    };
    (0..world.nodes()).map(share).collect()
}

/// Whether every node is there and votes if it should, every partition is served, and none is about to move.
pub(crate) fn is_served(world: &World) -> bool {
    let members: Vec<Member> = (0..world.nodes())
        .filter_map(|node| world.with_node(node, crate::node::NodeLife::member).flatten())
        .collect();
    let maps = members.iter().map(|member| member.metadata().map());
    let Some(map) = maps.max_by_key(|map| map.version) else {
        return false;
    };
    // Until the voters are chosen, the first node alone decides, and its death stops everything.
    let voters_max = MetadataOptions::default().voters_max;
    let is_agreed = members.iter().all(|member| {
        let now = member.metadata().members();
        !now.changing && now.voters == hongyan_metadata::choose_voters(&map, &now.voters, voters_max)
    });
    members.len() == world.nodes()
        && is_agreed
        && map.nodes.values().filter(|record| record.state.is_alive()).count() == world.nodes()
        && map.partitions.iter().all(|slot| slot.next.is_none())
        && shares(world).iter().sum::<usize>() == map.partitions.len()
}
