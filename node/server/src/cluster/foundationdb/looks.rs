//! What the node does for FoundationDB time and again: says where its server is, runs an agent while there is a backup, and,
//! where it leads, brings the servers nearer to what is wished.

use std::net::SocketAddr;
use std::time::Duration;

use hongyan_cluster::{BackupWish, StoreMachine, StoreServer};
use hongyan_env::Env;
use hongyan_foundationdb_keeper::{BackupAgent, Backups, Emptying, Keeper, Machine};
use hongyan_metadata::{Change, ClusterMap};

use super::super::ClusterNode;
use super::machines;

/// Time between two looks at the cluster.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Every so many looks a node that does not lead asks how things are: for its metrics.
const LOOKS_A_QUESTION: u64 = 6;
/// How long one question may take: a cluster that cannot answer is waited for by others.
const LOOK_WITHIN: Duration = Duration::from_secs(20);
/// How long changes may take, which move no data by themselves.
const CHANGE_WITHIN: Duration = Duration::from_secs(90);
const PROPOSE_WITHIN: Duration = Duration::from_secs(5);

/// Who looks.
pub(super) struct Looks {
    pub(super) keeper: Keeper,
    pub(super) machine: Machine,
    pub(super) backups: Backups,
    pub(super) cluster: ClusterNode,
}

impl Looks {
    /// Looks, for ever.
    pub(super) async fn run(&self, env: &Env, mut agent: BackupAgent) {
        let mut has_agent = true;
        for look in 0_u64.. {
            self.say_where().await;
            has_agent = self.back_up(env, &mut agent, has_agent).await;
            if self.cluster.member().metadata().leadership().borrow().here {
                if env.timeout(CHANGE_WITHIN, self.lead()).await.is_none() {
                    tracing::warn!("FoundationDB does not answer");
                }
            } else if look % LOOKS_A_QUESTION == 0 {
                match env.timeout(LOOK_WITHIN, self.keeper.status()).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => tracing::warn!(%error, "FoundationDB's status is not known"),
                    None => tracing::warn!("FoundationDB does not tell its status"),
                }
            }
            env.sleep(LOOK_EVERY).await;
        }
    }
    /// Lets the cluster know of this machine.
    async fn say_where(&self) {
        let metadata = self.cluster.member().metadata();
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
    /// Runs an agent while there is a backup; whether there is one when there has to be, which is told once.
    async fn back_up(&self, env: &Env, agent: &mut BackupAgent, had_agent: bool) -> bool {
        let metadata = self.cluster.member().metadata();
        let map = metadata.map();
        // The agent of a node that is about to go would outlive it.
        let goes = StoreServer::of(&map, metadata.node().0) == Some(StoreServer::Emptied);
        let Some(wish) = BackupWish::of(&map).filter(|_| !goes) else {
            agent.stop();
            return true;
        };
        if wish == BackupWish::Stopping
            && self.backups.expect_installed().is_ok()
            && let Some(Ok(status)) = env.timeout(LOOK_WITHIN, self.backups.status()).await
            && !status.running
        {
            // Tried again with the next look, or somebody has begun another.
            let _ = metadata.propose(BackupWish::ended(), PROPOSE_WITHIN).await;
            return true;
        }
        match agent.ensure() {
            Ok(_) => true,
            Err(error) => {
                if had_agent {
                    tracing::warn!(%error, "this machine does not help with the backup of FoundationDB");
                }
                false
            }
        }
    }
    /// What one node does for all.
    async fn lead(&self) {
        let metadata = self.cluster.member().metadata();
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
