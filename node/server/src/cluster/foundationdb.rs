//! The FoundationDB server beside a node that looks after it: started with the node, watched, and, by the node that leads
//! the cluster, brought to as many copies and coordinators as the machines allow.
//!
//! Which machines there are stands in the cluster's settings: each node writes its own line, and the leader removes those of
//! nodes that left.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_foundationdb_keeper::{ClusterStatus, Keeper, KeeperOptions, Machine};
use hongyan_http_admin::StoreView;
use hongyan_metadata::{Change, ClusterMap, NodeState};
use hongyan_transport::NodeId;

use super::place::Place;
use super::{ClusterNode, Joined, kept_folder};

/// Settings of machines begin so; the node's number follows.
pub(super) const MACHINE: &str = "foundationdb.machine.";
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
        tokio::join!(supervisor.supervise(), looks.run(&env));
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
                Some(Ok(status)) => self.cluster.saw_store(view(status)),
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
        let line = line(&self.machine);
        let key = format!("{MACHINE}{}", metadata.node());
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
        for key in settings_of_gone(&map) {
            let _ = metadata.propose(Change::Set { key, value: None }, PROPOSE_WITHIN).await;
        }
        if let Err(error) = self.keeper.reconcile(&machines(&map)).await {
            tracing::warn!(%error, "FoundationDB is not as it should be yet");
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

/// A machine as a setting: its address, and its data centre when it has one.
fn line(machine: &Machine) -> String {
    match &machine.data_center {
        Some(data_center) => format!("{} {data_center}", machine.address),
        None => machine.address.to_string(),
    }
}

/// The machines of nodes that have not left.
fn machines(map: &ClusterMap) -> Vec<Machine> {
    let machine = |(key, line): (&String, &String)| {
        let node = key.strip_prefix(MACHINE)?;
        if has_left(map, node) {
            return None;
        }
        let (address, data_center) = match line.split_once(' ') {
            Some((address, name)) => (address, Some(name.to_owned())),
            None => (line.as_str(), None),
        };
        Some(Machine {
            name: format!("node-{node}"),
            address: address.parse().ok()?,
            data_center,
        })
    };
    map.settings.iter().filter_map(machine).collect()
}

fn settings_of_gone(map: &ClusterMap) -> Vec<String> {
    let gone = |key: &&String| key.strip_prefix(MACHINE).is_some_and(|node| has_left(map, node));
    map.settings.keys().filter(gone).cloned().collect()
}

fn has_left(map: &ClusterMap, node: &str) -> bool {
    let record = node.parse().ok().and_then(|node: u64| map.nodes.get(&node));
    record.is_none_or(|record| record.state == NodeState::Left)
}

fn view(status: ClusterStatus) -> StoreView {
    StoreView {
        engine: "foundationdb".to_owned(),
        available: status.available,
        healthy: status.healthy,
        redundancy: status.redundancy.map(|mode| mode.name().to_owned()),
        messages: status.messages,
    }
}

#[cfg(test)]
mod tests {
    use hongyan_metadata::NodeRecord;

    use super::*;

    #[test]
    fn machines_stand_in_the_settings_until_their_nodes_leave() {
        let machine = |node: u64, data_center: Option<&str>| Machine {
            name: format!("node-{node}"),
            address: SocketAddr::from(([192, 0, 2, 1], 4500)),
            data_center: data_center.map(str::to_owned),
        };
        let mut map = ClusterMap::default();
        for (node, state, data_center) in [
            (1, NodeState::Up, None),
            (2, NodeState::Down, Some("east")),
            (3, NodeState::Left, None),
        ] {
            let record = NodeRecord {
                state,
                ..NodeRecord::default()
            };
            map.nodes.insert(node, record);
            map.settings
                .insert(format!("{MACHINE}{node}"), line(&machine(node, data_center)));
        }
        assert_eq!(machines(&map), [machine(1, None), machine(2, Some("east"))]);
        assert_eq!(settings_of_gone(&map), [format!("{MACHINE}3")]);
    }
}
