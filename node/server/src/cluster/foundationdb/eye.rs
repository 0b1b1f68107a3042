//! What the operator sees of FoundationDB, whoever looks after it: asked of it when somebody looks.

use std::sync::Arc;
use std::time::Duration;

use hongyan_cluster::{StoreBackups, StoreServer, StoreWatch};
use hongyan_env::{BoxFuture, Env};
use hongyan_foundationdb::FoundationStore;
use hongyan_foundationdb_keeper::{Backups, ClusterStatus, ServerState};
use hongyan_http_admin::StoreView;
use hongyan_kv::Database;
use hongyan_metadata::ClusterMap;
use tokio::sync::watch;

use super::super::ClusterNode;
use super::machines;

/// How long somebody who looks waits: the status is there at once, but for some seconds when machines do not answer.
const LOOK_WITHIN: Duration = Duration::from_secs(8);
/// How long a read may take in a cluster that serves.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// What is seen more where the nodes look after it.
pub(crate) struct Kept {
    /// This machine's server.
    pub(super) state: watch::Receiver<ServerState>,
    pub(super) backups: Backups,
}

/// Who looks.
pub(crate) struct Eye {
    pub(crate) env: Env,
    pub(crate) store: FoundationStore,
    pub(crate) cluster: ClusterNode,
    pub(crate) kept: Option<Kept>,
}

impl Eye {
    async fn see(&self) -> StoreView {
        let said = self.env.timeout(LOOK_WITHIN, self.store.status()).await.flatten();
        let status = said.and_then(|text| ClusterStatus::parse(&text).ok());
        let mut messages = Vec::new();
        if let Some(kept) = &self.kept {
            let state = kept.state.borrow();
            if matches!(*state, ServerState::Ended { .. }) {
                messages.push(state.to_string());
            }
        }
        let Some(status) = status else {
            let available = self.answers().await;
            let unknown = if available {
                "FoundationDB serves; it does not tell more in time, for it waits for machines that do not answer"
            } else {
                "FoundationDB does not tell its status: most of its coordinators must be up"
            };
            messages.push(unknown.to_owned());
            return StoreView {
                engine: "foundationdb".to_owned(),
                available,
                kept: self.kept.is_some(),
                messages,
                ..StoreView::default()
            };
        };
        if self.kept.is_some() {
            messages.extend(of_machines(&self.cluster.member().metadata().map(), &status));
        }
        view(status, self.kept.is_some(), messages)
    }
    /// Whether it serves, whatever it says of itself.
    async fn answers(&self) -> bool {
        let database = Database::new(self.store.clone());
        // Any key will do.
        let read = async { database.begin().get_snapshot(b"").await.is_ok() };
        self.env.timeout(READ_WITHIN, read).await == Some(true)
    }
}

impl StoreWatch for Eye {
    fn look(&self) -> BoxFuture<'_, Option<StoreView>> {
        Box::pin(async move { Some(self.see().await) })
    }
    fn backups(&self) -> Option<Arc<dyn StoreBackups>> {
        let kept = self.kept.as_ref()?;
        Some(Arc::new(super::backups::Operated(kept.backups.clone())))
    }
}

/// What is to be said of single machines: what is left to move of servers that are being emptied, and who takes no part.
fn of_machines(map: &ClusterMap, status: &ClusterStatus) -> Vec<String> {
    let leaving = StoreServer::leaving(map).into_iter();
    let emptying = leaving.filter(|(_, server, _)| *server == StoreServer::Emptying);
    let progress = emptying.map(|(node, _, address)| match status.stored.get(&address) {
        Some(octets) => format!(
            "node {node}'s server is being emptied: {} MB left",
            octets.div_ceil(1_000_000)
        ),
        None => format!("node {node}'s server is being emptied"),
    });
    let machines = machines(map).into_iter();
    let away = machines.filter(|machine| status.available && !status.servers.contains(&machine.address));
    let away = away.map(|machine| {
        let why = if status.incompatible.contains(&machine.address) {
            "it speaks another version: install the same release of FoundationDB on all machines, and end the old servers"
        } else {
            "it does not run, or the others do not reach it"
        };
        format!("the server of {} at {} takes no part: {why}", machine.name, machine.address)
    });
    progress.chain(away).collect()
}

fn view(status: ClusterStatus, kept: bool, messages: Vec<String>) -> StoreView {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    StoreView {
        engine: "foundationdb".to_owned(),
        available: status.available,
        healthy: status.healthy,
        redundancy: status.redundancy.map(|mode| mode.name().to_owned()),
        kept,
        releases: status.releases.into_iter().collect(),
        servers: count(status.servers.len()),
        coordinators: count(status.coordinators.len()),
        coordinators_reachable: count(status.coordinators_reachable),
        losses_borne: status.losses_borne,
        data_octets: status.data_octets,
        moving_octets: status.moving_octets,
        free_octets: status.free_octets,
        messages: [messages, status.messages].concat(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hongyan_cluster::StoreMachine;
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
        let mut status = ClusterStatus::default();
        assert_eq!(of_machines(&map, &status), ["node 2's server is being emptied"]);
        status.stored.insert(address(2), 7_000_001);
        let emptying = "node 2's server is being emptied: 8 MB left";
        assert_eq!(of_machines(&map, &status), [emptying]);
        status.available = true;
        status.servers = vec![address(1)];
        let away =
            "the server of node-4 at 192.0.2.4:4500 takes no part: it does not run, or the others do not reach it";
        assert_eq!(of_machines(&map, &status), [emptying, away]);
        status.incompatible = vec![address(4)];
        assert!(of_machines(&map, &status)[1].contains("another version"));
    }
}
