//! The operator's hand on a cluster of three to four nodes, on virtual time.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use hongyan_cluster::{
    BackupWish, Door, Member, MemberControl, MemberParts, MetadataStore, StoreBackups, StoreMachine, StoreServer,
    StoreWatch,
};
use hongyan_env::{BoxFuture, Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_http_admin::{BackupView, ClusterControl, ClusterView, ControlError, NodeChange, StoreView};
use hongyan_identity::{Fingerprint, JoinToken};
use hongyan_kv::Database;
use hongyan_membership::MembershipOptions;
use hongyan_memory::MemoryStore;
use hongyan_metadata::{Change, Founding, MetadataOptions, NodeRecord, Protocols};
use hongyan_transport::{NodeId, SimNetwork};

const PARTITIONS: u16 = 32;
const WITHIN: Duration = Duration::from_secs(30);

struct Healthy;

impl StoreWatch for Healthy {
    fn look(&self) -> BoxFuture<'_, Option<StoreView>> {
        let view = StoreView {
            engine: "foundationdb".to_owned(),
            available: true,
            ..StoreView::default()
        };
        Box::pin(std::future::ready(Some(view)))
    }
}

struct Node {
    member: Member,
    control: MemberControl,
}

struct Cluster {
    env: Env,
    network: SimNetwork,
    data: Database,
    nodes: BTreeMap<u64, Node>,
}

impl Cluster {
    /// Nodes 1 to `count`, all of them up.
    async fn of(seed: u64, count: u64) -> Self {
        let env = Env::simulated(SimulatedHost {
            network: SimulatedNetwork::new(seed),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            seed,
            clock_rate_ppm: 0,
            wall_ahead_millis: 0,
            dns: Arc::new(ZoneDns::default()),
        });
        let mut cluster = Self {
            network: SimNetwork::new(env.clone(), seed),
            data: Database::new(MemoryStore::default()),
            env,
            nodes: BTreeMap::new(),
        };
        cluster.start(1).await;
        let founding = Founding {
            cluster: 0xC0_FFEE,
            partitions: u32::from(PARTITIONS),
            authority: Vec::new(),
            node: 1,
            record: record(1),
        };
        cluster.nodes[&1]
            .member
            .metadata()
            .found(founding, WITHIN)
            .await
            .unwrap();
        for id in 2..=count {
            cluster.join(id).await;
        }
        cluster
            .until(|view| view.nodes.iter().all(|node| node.state == "up"))
            .await;
        cluster
    }

    async fn start(&mut self, id: u64) {
        let member = Member::start(MemberParts {
            env: self.env.clone(),
            node: NodeId(id),
            transport: self.network.join(NodeId(id)),
            store: Arc::new(MetadataStore::new(Database::new(MemoryStore::default()))),
            data: self.data.clone(),
            address: format!("192.0.2.{id}:7400"),
            release: "0.1.0".to_owned(),
            protocols: Protocols { oldest: 1, newest: 1 },
            contacts: vec![NodeId(1)],
            partitions: usize::from(PARTITIONS),
            metadata: MetadataOptions::default(),
            membership: MembershipOptions::default(),
        })
        .await
        .unwrap();
        let door = Door {
            authority: Fingerprint([9; 32]),
            addresses: Arc::new(|| vec!["192.0.2.1:7401".parse().unwrap()]),
        };
        let control = MemberControl::new(self.env.clone(), member.metadata().clone(), Some(door));
        self.nodes.insert(
            id,
            Node {
                member,
                control: control.with_store(Arc::new(Healthy)),
            },
        );
    }

    /// Lets the next node in with a token from the operator's hand.
    async fn join(&mut self, id: u64) {
        let invitation = self.control(1).invite(Duration::from_secs(60)).await.unwrap();
        let token: JoinToken = invitation.token.parse().unwrap();
        assert_eq!(token.addresses, ["192.0.2.1:7401".parse().unwrap()]);
        let admit = Change::Admit {
            token: token.hash().0,
            now_millis: self.env.wall_millis(),
            record: record(id),
        };
        let given = self.nodes[&1]
            .member
            .metadata()
            .propose(admit, WITHIN)
            .await
            .unwrap()
            .number;
        assert_eq!(given, id);
        self.start(id).await;
        self.until(|view| view.nodes.iter().any(|node| node.id == id && node.state == "up"))
            .await;
    }

    fn control(&self, id: u64) -> &MemberControl {
        &self.nodes[&id].control
    }

    /// Waits until node 1 shows it.
    async fn until(&self, shows: impl Fn(&ClusterView) -> bool) -> ClusterView {
        for _ in 0..6000 {
            let view = self.control(1).status().await.unwrap();
            if shows(&view) {
                return view;
            }
            self.env.sleep(Duration::from_millis(10)).await;
        }
        panic!("not within a minute: {:?}", self.control(1).status().await);
    }

    async fn balanced(&self) -> ClusterView {
        self.until(|view| view.partitions.misplaced + view.partitions.moving + view.partitions.unserved == 0)
            .await
    }

    async fn stop(self) {
        for node in self.nodes.values() {
            node.member.stop().await;
        }
    }
}

fn record(id: u64) -> NodeRecord {
    NodeRecord {
        name: format!("mx{id}"),
        data_center: "east".to_owned(),
        rack: format!("r{id}"),
        weight: 100,
        key: [u8::try_from(id).unwrap(); 32],
        ..NodeRecord::default()
    }
}

fn simulate(run: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run);
}

#[test]
fn any_node_shows_the_same_cluster() {
    simulate(async {
        let cluster = Cluster::of(1, 3).await;
        cluster.balanced().await;
        cluster
            .until(|view| view.nodes.iter().all(|node| node.role.is_some()))
            .await;
        for id in 1..=3 {
            let view = cluster.control(id).status().await.unwrap();
            assert_eq!((view.cluster.as_str(), view.this_node), ("0000000000c0ffee", id));
            assert_eq!(view.partitions.count, usize::from(PARTITIONS));
            assert_eq!(view.partitions.rebalance, "automatic");
            assert_eq!(view.store.as_ref().map(|store| store.available), Some(true));
            let owned: usize = view.nodes.iter().map(|node| node.partitions).sum();
            assert_eq!(owned, usize::from(PARTITIONS));
            let leaders: Vec<u64> = view
                .nodes
                .iter()
                .filter(|node| node.role.as_deref() == Some("leader"))
                .map(|node| node.id)
                .collect();
            assert_eq!(leaders, [view.leader.unwrap()]);
            assert_eq!(view.nodes[2].address, "192.0.2.3:7400");
        }
        cluster.stop().await;
    });
}

#[test]
fn it_is_seen_how_many_voters_may_be_lost() {
    simulate(async {
        let cluster = Cluster::of(8, 3).await;
        let seen = |view: &ClusterView| (view.voters.count, view.voters.up, view.voters.losses_borne);
        // Who has just joined learns first: until two have learnt, the founder alone decides.
        cluster.until(|view| seen(view) == (3, 3, Some(1))).await;
        cluster.nodes[&3].member.stop().await;
        cluster.until(|view| seen(view) == (3, 2, Some(0))).await;
        cluster.stop().await;
        let alone = Cluster::of(9, 2).await;
        alone.until(|view| seen(view) == (1, 1, Some(0))).await;
        alone.stop().await;
    });
}

#[test]
fn a_node_is_drained_resumed_and_goes_for_good() {
    simulate(async {
        for seed in 2..=4 {
            let cluster = Cluster::of(seed, 3).await;
            let view = cluster.balanced().await;
            // Also the leader may be asked to go.
            let node = match seed {
                2 => view.leader.unwrap(),
                seed => seed - 1,
            };
            let other = cluster.control(if node == 1 { 2 } else { 1 });
            let refused = other.leave(node).await.unwrap_err();
            assert!(refused.to_string().contains("drain it first"), "{refused}");
            assert_eq!(other.drain(node).await.unwrap().state, "draining");
            let owned = |view: &ClusterView| view.nodes.iter().find(|known| known.id == node).unwrap().partitions;
            cluster.until(|view| owned(view) == 0).await;
            assert_eq!(other.resume(node).await.unwrap().state, "up");
            cluster.until(|view| owned(view) > 0).await;
            other.drain(node).await.unwrap();
            cluster.until(|view| owned(view) == 0).await;
            assert_eq!(other.leave(node).await.unwrap().state, "left");
            let gone = |view: ClusterView| view.nodes.iter().all(|known| known.id != node);
            assert!(gone(other.status().await.unwrap()));
            let refused = other.resume(node).await.unwrap_err();
            assert!(refused.to_string().contains("has left the cluster"), "{refused}");
            cluster.stop().await;
        }
    });
}

#[test]
fn nobody_empties_the_last_node() {
    simulate(async {
        let cluster = Cluster::of(5, 2).await;
        let control = cluster.control(1);
        control.drain(2).await.unwrap();
        let refused = control.drain(1).await.unwrap_err();
        assert!(
            matches!(&refused, ControlError::Refused(text) if text.contains("no other node is up")),
            "{refused}"
        );
        assert!(matches!(control.leave(1).await, Err(ControlError::Refused(_))));
        assert_eq!(
            control.drain(7).await,
            Err(ControlError::Unknown("the cluster has no node 7".to_owned()))
        );
        cluster.stop().await;
    });
}

#[test]
fn settings_are_checked_and_hold_everywhere() {
    simulate(async {
        let cluster = Cluster::of(6, 2).await;
        let control = cluster.control(2);
        let set = |key: &str, value: &str| control.set(key.to_owned(), Some(value.to_owned()));
        let changed = set("placement.moves_at_once", "032").await.unwrap();
        assert_eq!((changed.value.as_str(), changed.set), ("32", true));
        cluster
            .until(|_| cluster.nodes[&1].member.metadata().map().settings.len() == 1)
            .await;
        for (key, value) in [("placement.moves_at_once", "all"), ("placement.rebalance", "off")] {
            assert!(matches!(set(key, value).await, Err(ControlError::Invalid(_))), "{key}");
        }
        assert!(matches!(
            set("placement.speed", "1").await,
            Err(ControlError::Unknown(_))
        ));
        assert!(matches!(
            control.set("x".to_owned(), None).await,
            Err(ControlError::Unknown(_))
        ));
        let default = control.set("placement.moves_at_once".to_owned(), None).await.unwrap();
        assert_eq!((default.value.as_str(), default.set), ("16", false));
        let all = control.settings().await.unwrap();
        assert!(
            all.iter()
                .all(|setting| !setting.set && setting.value == setting.default && !setting.about.is_empty())
        );
        cluster.stop().await;
    });
}

#[test]
fn a_paused_rebalance_runs_when_it_is_told_to() {
    simulate(async {
        let mut cluster = Cluster::of(7, 2).await;
        cluster.balanced().await;
        let manual = Some("manual".to_owned());
        cluster
            .control(1)
            .set("placement.rebalance".to_owned(), manual)
            .await
            .unwrap();
        cluster.join(3).await;
        cluster.env.sleep(Duration::from_secs(5)).await;
        let view = cluster.control(1).status().await.unwrap();
        assert!(view.partitions.misplaced > 0);
        assert_eq!(view.nodes[2].partitions, 0);
        let begun = cluster.control(3).rebalance().await.unwrap();
        assert_eq!(begun.rebalance, "once");
        let view = cluster.until(|view| view.partitions.rebalance == "manual").await;
        assert_eq!(view.partitions.misplaced, 0);
        assert!(view.nodes[2].partitions > 0);
        cluster.stop().await;
    });
}

#[test]
fn weight_and_place_change_what_a_node_bears() {
    simulate(async {
        let cluster = Cluster::of(8, 3).await;
        cluster.balanced().await;
        let control = cluster.control(1);
        let change = NodeChange {
            weight: Some(0),
            rack: Some("b7".to_owned()),
            ..NodeChange::default()
        };
        let node = control.change_node(2, change).await.unwrap();
        assert_eq!(
            (node.weight, node.rack.as_str(), node.data_center.as_str()),
            (0, "b7", "east")
        );
        let view = cluster.balanced().await;
        assert_eq!(view.nodes[1].partitions, 0);
        for bad in [
            NodeChange {
                weight: Some(100_001),
                ..NodeChange::default()
            },
            NodeChange {
                data_center: Some("the east".to_owned()),
                ..NodeChange::default()
            },
        ] {
            assert!(matches!(
                control.change_node(2, bad).await,
                Err(ControlError::Invalid(_))
            ));
        }
        cluster.stop().await;
    });
}

#[test]
fn who_leaves_gives_back_what_its_server_of_the_store_holds_first() {
    simulate(async {
        let cluster = Cluster::of(9, 3).await;
        cluster.balanced().await;
        let address = |node: u64| format!("192.0.2.{node}:4500").parse().unwrap();
        let propose = async |change: Change| {
            let metadata = cluster.nodes[&1].member.metadata();
            metadata.propose(change, WITHIN).await.unwrap();
        };
        let tell = async |node: u64| {
            let machine = StoreMachine {
                node,
                address: address(node),
                data_center: None,
            };
            let (key, value) = machine.setting();
            let value = Some(value);
            propose(Change::Set { key, value }).await;
        };
        let server = |view: &ClusterView, node: u64| {
            let known = view.nodes.iter().find(|known| known.id == node);
            known.and_then(|known| known.store_server.clone()).unwrap_or_default()
        };
        let control = cluster.control(1);
        tell(3).await;
        cluster.until(|view| server(view, 3) == "serving").await;
        let refused = control.leave(3).await.unwrap_err().to_string();
        assert!(refused.contains("drain it first"), "{refused}");
        control.drain(3).await.unwrap();
        let owned = |view: &ClusterView| view.nodes[2].partitions;
        cluster.until(|view| owned(view) == 0).await;
        let refused = control.leave(3).await.unwrap_err().to_string();
        assert!(refused.contains("no other node has a server of the store"), "{refused}");
        tell(2).await;
        cluster.until(|view| server(view, 2) == "serving").await;

        for _ in 0..2 {
            let told = control.leave(3).await.unwrap();
            assert_eq!(
                (told.state.as_str(), told.store_server.as_deref()),
                ("draining", Some("emptying"))
            );
        }
        let refused = control.leave(2).await.unwrap_err().to_string();
        assert!(refused.contains("drain it first"), "{refused}");
        let resumed = control.resume(3).await.unwrap();
        assert_eq!(
            (resumed.state.as_str(), resumed.store_server.as_deref()),
            ("up", Some("returning"))
        );
        cluster.until(|view| owned(view) > 0).await;
        propose(StoreServer::Serving.change(3, address(3))).await;

        control.drain(3).await.unwrap();
        cluster.until(|view| owned(view) == 0).await;
        assert_eq!(
            control.leave(3).await.unwrap().store_server.as_deref(),
            Some("emptying")
        );
        propose(StoreServer::Emptied.change(3, address(3))).await;
        cluster.until(|view| server(view, 3) == "emptied").await;
        assert_eq!(control.leave(3).await.unwrap().state, "left");
        assert_eq!(StoreMachine::all(&cluster.nodes[&1].member.metadata().map()).len(), 1);
        cluster.stop().await;
    });
}

/// A store that the nodes look after; what is asked of its backup is written down.
#[derive(Clone, Default)]
struct Kept(Arc<std::sync::Mutex<Vec<String>>>);

impl StoreWatch for Kept {
    fn look(&self) -> BoxFuture<'_, Option<StoreView>> {
        Healthy.look()
    }
    fn backups(&self) -> Option<Arc<dyn StoreBackups>> {
        Some(Arc::new(self.clone()))
    }
}

impl StoreBackups for Kept {
    fn status(&self) -> BoxFuture<'_, Result<BackupView, String>> {
        let state = if self.0.lock().unwrap().is_empty() {
            "none"
        } else {
            "running"
        };
        let view = BackupView {
            state: state.to_owned(),
            ..BackupView::default()
        };
        Box::pin(std::future::ready(Ok(view)))
    }
    fn check(&self, to: &str) -> Result<String, String> {
        let place = to.starts_with('/').then(|| format!("file://{to}"));
        place.ok_or_else(|| "a folder".to_owned())
    }
    fn start(&self, to: String) -> BoxFuture<'_, Result<(), String>> {
        self.0.lock().unwrap().push(to);
        Box::pin(std::future::ready(Ok(())))
    }
    fn stop(&self) -> BoxFuture<'_, Result<(), String>> {
        let is_running = !self.0.lock().unwrap().is_empty();
        let stopped = is_running.then_some(()).ok_or_else(|| "none is running".to_owned());
        Box::pin(std::future::ready(stopped))
    }
}

#[test]
fn while_there_is_a_backup_every_node_is_to_help() {
    simulate(async {
        let cluster = Cluster::of(10, 2).await;
        let refused = cluster.control(2).start_backup("/srv/b".to_owned()).await.unwrap_err();
        assert!(refused.to_string().contains("do not look after"), "{refused}");
        let metadata = cluster.nodes[&2].member.metadata().clone();
        let asked = Kept::default();
        let control = MemberControl::new(cluster.env.clone(), metadata.clone(), None);
        let control = control.with_store(Arc::new(asked.clone()));
        let wish = || BackupWish::of(&metadata.map());
        assert_eq!(control.backup().await.unwrap().state, "none");
        assert!(matches!(control.stop_backup().await, Err(ControlError::Refused(_))));
        let place = control.start_backup("b".to_owned()).await;
        assert!(matches!(place, Err(ControlError::Invalid(_))));
        assert_eq!(wish(), None);
        assert_eq!(
            control.start_backup("/srv/b".to_owned()).await.unwrap().state,
            "running"
        );
        assert_eq!(*asked.0.lock().unwrap(), ["file:///srv/b"]);
        assert_eq!(wish(), Some(BackupWish::Running));
        assert_eq!(control.stop_backup().await.unwrap().state, "stopping");
        assert_eq!(wish(), Some(BackupWish::Stopping));
        metadata.propose(BackupWish::ended(), WITHIN).await.unwrap();
        let mut map = metadata.watch();
        map.wait_for(|map| BackupWish::of(map).is_none()).await.unwrap();
        let twice = metadata.propose(BackupWish::ended(), WITHIN).await;
        assert!(twice.is_err(), "another may have been begun: {twice:?}");
        cluster.stop().await;
    });
}
