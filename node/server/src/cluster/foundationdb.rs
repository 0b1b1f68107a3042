//! The FoundationDB server beside a node that looks after it: started with the node, watched, and, by the node that leads
//! the cluster, brought to as many copies and coordinators as the machines allow.
//!
//! Which machines there are stands in the cluster's settings: each node writes its own line, and the leader removes those of
//! nodes that left. Before a node leaves, the leader lets its server's data move away; then the node stops that server.
//! `looks` is what is done time and again, `eye` what the operator sees, `backups` the operator's backup.

mod backups;
mod eye;
mod looks;

use std::net::SocketAddr;

use anyhow::{Context, Result};
use hongyan_cluster::{StoreMachine, StoreServer};
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_foundationdb_keeper::{BackupAgent, Backups, Keeper, KeeperOptions, Machine, Programs, ServerState};
use hongyan_metadata::ClusterMap;
use hongyan_telemetry::Health;
use hongyan_transport::NodeId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::place::Place;
use super::{ClusterNode, Joined, kept_folder};

pub(crate) use eye::Eye;
use looks::Looks;

/// A server that is looked after.
pub(crate) struct Tended {
    /// Asks the cluster, and changes it. Another one starts the server again, whatever this one is doing.
    keeper: Keeper,
    machine: Machine,
    backups: Backups,
    agent: BackupAgent,
    state: watch::Receiver<ServerState>,
    /// Whether the server is to run.
    needed: watch::Sender<bool>,
    supervision: JoinSet<()>,
}

impl Tended {
    /// Makes FoundationDB's first server, for a new cluster.
    pub(crate) async fn create(config: &Config, env: &Env) -> Result<()> {
        let options = options(config, &Place::of(config, env)?, NodeId(1));
        let made = Keeper::create(env.clone(), &options).await;
        made.context("make FoundationDB's first server").map(|_| ())
    }
    /// Starts the server of a member, or finds it running, and starts it again from now on; `health` shows when it does
    /// not run.
    pub(crate) fn open(config: &Config, env: &Env, joined: &Joined, health: &Health) -> Result<Self> {
        let options = options(config, &joined.place, joined.node());
        let supervisor = Keeper::open(env.clone(), &options).context("start FoundationDB's server")?;
        let (told, state) = watch::channel(ServerState::Running);
        let (needed, is_needed) = watch::channel(true);
        let mut supervision = JoinSet::new();
        supervision.spawn(supervise(supervisor, told, is_needed));
        supervision.spawn(show(state.clone(), health.clone()));
        Ok(Self {
            keeper: Keeper::attach(env.clone(), &options).context("find FoundationDB's cluster")?,
            backups: Backups::new(env.clone(), options.programs.clone(), &options.folder),
            agent: BackupAgent::find(options.programs.clone(), &options.folder),
            machine: options.machine,
            state,
            needed,
            supervision,
        })
    }
    /// What the operator sees of it.
    pub(crate) fn kept(&self) -> eye::Kept {
        eye::Kept {
            state: self.state.clone(),
            backups: self.backups.clone(),
        }
    }
    /// Looks after it, for ever.
    pub(crate) async fn tend(self, env: Env, cluster: ClusterNode) {
        let Self {
            keeper,
            machine,
            backups,
            agent,
            needed,
            supervision,
            ..
        } = self;
        let looks = Looks {
            keeper,
            machine,
            backups,
            cluster: cluster.clone(),
        };
        tokio::join!(follow(&cluster, &needed), looks.run(&env, agent));
        drop(supervision);
    }
}

/// Lets the server run unless it holds nothing any more.
async fn follow(cluster: &ClusterNode, needed: &watch::Sender<bool>) {
    let metadata = cluster.member().metadata();
    let node = metadata.node().0;
    let mut map = metadata.watch();
    loop {
        let is_needed = StoreServer::of(&map.borrow_and_update(), node) != Some(StoreServer::Emptied);
        needed.send_if_modified(|needed| std::mem::replace(needed, is_needed) != is_needed);
        if map.changed().await.is_err() {
            return;
        }
    }
}

/// Starts the server whenever it has ended, but for the time in which nobody needs it any more.
async fn supervise(mut supervisor: Keeper, told: watch::Sender<ServerState>, mut needed: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            biased;
            known = needed.wait_for(|needed| !needed) => if known.is_err() {
                return;
            },
            () = supervisor.supervise(&told) => {}
        }
        tracing::info!("fdbserver holds nothing any more and is stopped");
        supervisor.halt();
        told.send_replace(ServerState::Stopped);
        if needed.wait_for(|needed| *needed).await.is_err() {
            return;
        }
    }
}

/// Tells whoever asks whether the node is ready why the server does not run.
async fn show(mut state: watch::Receiver<ServerState>, health: Health) {
    loop {
        let text = match &*state.borrow_and_update() {
            ServerState::Running | ServerState::Stopped => None,
            ended @ ServerState::Ended { .. } => Some(ended.to_string()),
        };
        health.note("foundationdb", text);
        if state.changed().await.is_err() {
            return;
        }
    }
}

fn options(config: &Config, place: &Place, node: NodeId) -> KeeperOptions {
    let section = &config.cluster;
    let programs = &section.foundationdb_programs;
    KeeperOptions {
        folder: kept_folder(config),
        programs: Programs {
            folder: (!programs.is_empty()).then(|| programs.into()),
        },
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
