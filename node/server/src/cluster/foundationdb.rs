//! The FoundationDB server beside a node that looks after it: started with the node, watched, and, by the node that leads
//! the cluster, brought to as many copies and coordinators as the machines allow.
//!
//! Which machines there are stands in the cluster's settings: each node writes its own line, and the leader removes those of
//! nodes that left. Before a node leaves, the leader lets its server's data move away; then the node stops that server.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_cluster::{StoreMachine, StoreServer};
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_foundationdb_keeper::{ClusterStatus, Emptying, Keeper, KeeperOptions, Machine};
use hongyan_http_admin::StoreView;
use hongyan_metadata::{Change, ClusterMap};
use hongyan_transport::NodeId;

use super::place::Place;
use super::{ClusterNode, Joined, kept_folder};

/// Time between two looks at the cluster.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long one look may take: a cluster that cannot answer is waited for by others.
const LOOK_WITHIN: Duration = Duration::from_secs(20);
/// How long changes may take, which move no data by themselves.
const CHANGE_WITHIN: Duration = Duration::from_secs(90);
const PROPOSE_WITHIN: Duration = Duration::from_secs(5);

/// A server that is looked after.
pub(crate) struct Tended {
    /// Starts the server again, whatever the other one is doing.
    supervisor: Keeper,
    /// Asks the cluster, and changes it.
    keeper: Keeper,
    machine: Machine,
}

impl Tended {
    /// Makes FoundationDB's first server, for a new cluster.
    pub(crate) async fn create(config: &Config, env: &Env) -> Result<()> {
        let options = options(config, &Place::of(config, env)?, NodeId(1));
        let made = Keeper::create(env.clone(), &options).await;
        made.context("make FoundationDB's first server").map(|_| ())
    }
    /// Starts the server of a member, or finds it running.
    pub(crate) fn open(config: &Config, env: &Env, joined: &Joined) -> Result<Self> {
        let options = options(config, &joined.place, joined.node());
        let open = || Keeper::open(env.clone(), &options).context("start FoundationDB's server");
        Ok(Self {
            supervisor: open()?,
            keeper: open()?,
            machine: options.machine,
        })
    }
    /// Looks after it, for ever; `cluster` is told how things are.
    pub(crate) async fn tend(self, env: Env, cluster: ClusterNode) {
        let Self {
            mut supervisor,
            keeper,
            machine,
        } = self;
        let looks = Looks {
            keeper,
            machine,
            cluster,
        };
        let cluster = looks.cluster.clone();
        tokio::join!(supervise(&mut supervisor, &cluster), looks.run(&env));
    }
}

/// Who asks how things are, time and again.
struct Looks {
    keeper: Keeper,
    machine: Machine,
    cluster: ClusterNode,
}

impl Looks {
    async fn run(&self, env: &Env) {
        loop {
            self.say_where(&self.cluster).await;
            match env.timeout(LOOK_WITHIN, self.keeper.status()).await {
                Some(Ok(status)) => {
                    let progress = progress(&self.cluster.member().metadata().map(), &status);
                    self.cluster.saw_store(view(status, progress));
                }
                Some(Err(error)) => tracing::warn!(%error, "FoundationDB's status is not known"),
                None => tracing::warn!("FoundationDB does not tell its status"),
            }
            if self.cluster.member().metadata().leadership().borrow().here {
                env.timeout(CHANGE_WITHIN, self.lead(&self.cluster)).await;
            }
            env.sleep(LOOK_EVERY).await;
        }
    }
    /// Lets the cluster know of this machine.
    async fn say_where(&self, cluster: &ClusterNode) {
        let metadata = cluster.member().metadata();
        let machine = StoreMachine {
            node: metadata.node().0,
            address: self.machine.address,
            data_center: self.machine.data_center.clone(),
        };
        let (key, line) = machine.setting();
        if metadata.map().settings.get(&key) == Some(&line) {
            return;
        }
        let value = Some(line);
        // Tried again with the next look.
        let _ = metadata.propose(Change::Set { key, value }, PROPOSE_WITHIN).await;
    }
    /// What one node does for all.
    async fn lead(&self, cluster: &ClusterNode) {
        let metadata = cluster.member().metadata();
        let map = metadata.map();
        for change in StoreMachine::forget_gone(&map) {
            let _ = metadata.propose(change, PROPOSE_WITHIN).await;
        }
        for (node, server, address) in StoreServer::leaving(&map) {
            if let Some(now) = self.move_data(&map, server, address).await {
                // Tried again with the next look.
                let _ = metadata.propose(now.change(node, address), PROPOSE_WITHIN).await;
            }
        }
        if let Err(error) = self.keeper.reconcile(&machines(&map)).await {
            tracing::warn!(%error, "FoundationDB is not as it should be yet");
        }
    }
}

impl Looks {
    /// Brings a server nearer to what is wished; how it stands from now on, when that has changed.
    async fn move_data(&self, map: &ClusterMap, server: StoreServer, address: SocketAddr) -> Option<StoreServer> {
        let moved = match server {
            StoreServer::Emptying => match self.keeper.empty(address).await {
                Ok(Emptying::Moving) => return None,
                Ok(Emptying::Done) => Ok(StoreServer::Emptied),
                Err(error) => Err(error),
            },
            StoreServer::Returning => self.keeper.refill(address).await.map(|()| StoreServer::Serving),
            // Another machine has taken the address of one that left.
            StoreServer::Emptied if machines(map).iter().any(|machine| machine.address == address) => {
                self.keeper.refill(address).await.map(|()| StoreServer::Serving)
            }
            StoreServer::Emptied | StoreServer::Serving => return None,
        };
        moved
            .inspect_err(|error| tracing::warn!(%address, %error, "FoundationDB's data does not move yet"))
            .ok()
    }
}

/// Starts the server whenever it has ended, but for the time in which nobody needs it any more.
async fn supervise(supervisor: &mut Keeper, cluster: &ClusterNode) {
    let metadata = cluster.member().metadata();
    let node = metadata.node().0;
    let is_needed = |map: &ClusterMap| StoreServer::of(map, node) != Some(StoreServer::Emptied);
    let mut map = metadata.watch();
    loop {
        tokio::select! {
            biased;
            _ = map.wait_for(|map| !is_needed(map)) => {}
            () = supervisor.supervise() => {}
        }
        tracing::info!("fdbserver holds nothing any more and is stopped");
        supervisor.halt();
        if map.wait_for(|map| is_needed(map)).await.is_err() {
            return;
        }
    }
}

fn options(config: &Config, place: &Place, node: NodeId) -> KeeperOptions {
    let section = &config.cluster;
    KeeperOptions {
        folder: kept_folder(config),
        machine: Machine {
            name: format!("node-{node}"),
            address: SocketAddr::new(place.address, section.foundationdb_port),
            data_center: (!section.data_center.is_empty()).then(|| section.data_center.clone()),
        },
        memory_octets_max: section.foundationdb_memory_octets_max,
    }
}

/// The machines whose servers are to keep data, as the keeper knows them.
fn machines(map: &ClusterMap) -> Vec<Machine> {
    let keeps = |machine: &StoreMachine| StoreServer::of(map, machine.node).is_some_and(StoreServer::keeps);
    let machines = StoreMachine::all(map).into_iter().filter(keeps);
    let machine = |machine: StoreMachine| Machine {
        name: format!("node-{}", machine.node),
        address: machine.address,
        data_center: machine.data_center,
    };
    machines.map(machine).collect()
}

/// What is left to move of servers that are being emptied, for people.
fn progress(map: &ClusterMap, status: &ClusterStatus) -> Vec<String> {
    let leaving = StoreServer::leaving(map).into_iter();
    let emptying = leaving.filter(|(_, server, _)| *server == StoreServer::Emptying);
    let line = |(node, _, address)| match status.stored.get(&address) {
        Some(octets) => format!(
            "node {node}'s server is being emptied: {} MB left",
            octets.div_ceil(1_000_000)
        ),
        None => format!("node {node}'s server is being emptied"),
    };
    emptying.map(line).collect()
}

fn view(status: ClusterStatus, progress: Vec<String>) -> StoreView {
    StoreView {
        engine: "foundationdb".to_owned(),
        available: status.available,
        healthy: status.healthy,
        redundancy: status.redundancy.map(|mode| mode.name().to_owned()),
        messages: [progress, status.messages].concat(),
    }
}

#[cfg(test)]
mod tests {
    use hongyan_metadata::{Change, NodeRecord};

    use super::*;

    #[test]
    fn who_leaves_keeps_no_data_and_how_far_it_is_is_told() {
        let address = |node: u8| SocketAddr::from(([192, 0, 2, node], 4500));
        let mut map = ClusterMap::default();
        for node in 1..=4 {
            map.nodes.insert(node.into(), NodeRecord::default());
            let machine = StoreMachine {
                node: node.into(),
                address: address(node),
                data_center: None,
            };
            map.settings.extend([machine.setting()]);
        }
        for (node, server) in [
            (2, StoreServer::Emptying),
            (3, StoreServer::Emptied),
            (4, StoreServer::Returning),
        ] {
            let Change::Set { key, value } = server.change(node.into(), address(node)) else {
                panic!("a setting");
            };
            map.settings.insert(key, value.unwrap());
        }
        let kept: Vec<_> = machines(&map).into_iter().map(|machine| machine.address).collect();
        assert_eq!(kept, [address(1), address(4)]);
        let mut status = ClusterStatus::parse("{}").unwrap();
        assert_eq!(progress(&map, &status), ["node 2's server is being emptied"]);
        status.stored.insert(address(2), 7_000_001);
        assert_eq!(progress(&map, &status), ["node 2's server is being emptied: 8 MB left"]);
    }
}
