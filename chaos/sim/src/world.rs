//! The nodes, the network, the store, and who lives where.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use hongyan_access::Access;
use hongyan_directory::{Credential, Directory, DirectoryOptions, NewAccount, NewTenant};
use hongyan_env::{Env, Latency, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_invariant::{FolderName, MailboxName, Place};
use hongyan_kv::{Database, RangeQuery, Tuple};
use hongyan_memory::MemoryStore;
use hongyan_sasl::Secret;
use hongyan_types::{Address, Domain};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::cluster::Cluster;
use crate::link::{Link, Seen};
use crate::node::{ClusterPlace, NodeLife, NodeParts, Settings, access_options};
use crate::plan::{Faults, Plan};
use crate::recorder::Recorder;

/// Commits after which a node may still begin a transaction where its knowledge ended.
const STATES_KEPT: u64 = 200;

/// The domain of the accounts.
pub(crate) const DOMAIN: &str = "sim.test";
/// A domain whose mail leaves.
pub(crate) const OUTSIDE: &str = "outside.test";
/// Their password.
pub(crate) const PASSWORD: &str = "password";

/// What exists in a run. Clones share it.
#[derive(Clone)]
pub(crate) struct World(Rc<Inner>);

struct Inner {
    plan: Plan,
    seed: u64,
    network: SimulatedNetwork,
    store: MemoryStore,
    dns: ZoneDns,
    recorder: Recorder,
    settings: Settings,
    clock_rates: Vec<i32>,
    seen: Arc<Seen>,
    nodes: RefCell<Vec<Option<NodeLife>>>,
    cluster: Option<Cluster>,
    /// Lives so far, so that each has its own randomness; and deaths of each node.
    lives: RefCell<Vec<u64>>,
    own_folders: RefCell<OwnFolders>,
}

/// The folders that clients made, as far as they know.
#[derive(Default)]
struct OwnFolders {
    names: u32,
    there: BTreeMap<MailboxName, Vec<FolderName>>,
}

impl World {
    /// A world with accounts, whose nodes do not run yet.
    pub(crate) async fn new(seed: u64, plan: Plan, recorder: Recorder) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(seed ^ 0x776f_726c);
        let network = SimulatedNetwork::new(seed);
        let dns = ZoneDns::default();
        dns.add_mx(OUTSIDE, 10, &format!("mx.{OUTSIDE}"));
        dns.add_address(&format!("mx.{OUTSIDE}"), outside_address());
        let clock = recorder.log().clone();
        let store = MemoryStore::with_clock(Arc::new(move || clock.now_micros()));
        store.keep(STATES_KEPT);
        let most = plan.faults.clock_rate_ppm_max;
        let nodes = plan.nodes.max(1);
        let settings = Settings {
            mailbox_idle_secs: random.random_range(1..30),
            checkpoint_commits: random.random_range(2..40),
            step_messages: random.random_range(1..10),
            inline_octets_max: random.random_range(200..10_000),
        };
        let cluster = (nodes > 1).then(|| Cluster::new(seed, nodes, &plan));
        let world = Self(Rc::new(Inner {
            cluster,
            clock_rates: (0..nodes).map(|_| random.random_range(-most..=most)).collect(),
            nodes: RefCell::new((0..nodes).map(|_| None).collect()),
            lives: RefCell::new(vec![0; nodes]),
            plan,
            seed,
            network,
            store,
            dns,
            recorder,
            settings,
            seen: Arc::default(),
            own_folders: RefCell::default(),
        }));
        if world.0.plan.faults.is_vigil {
            world.0.recorder.judge_connections();
            if world.0.plan.faults.kill == 0 {
                world.0.recorder.judge_commands();
            }
        }
        world.make_accounts().await?;
        Ok(world)
    }
    pub(crate) fn plan(&self) -> &Plan {
        &self.0.plan
    }
    pub(crate) fn seed(&self) -> u64 {
        self.0.seed
    }
    pub(crate) fn network(&self) -> &SimulatedNetwork {
        &self.0.network
    }
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }
    pub(crate) fn seen(&self) -> &Seen {
        &self.0.seen
    }
    /// The cluster, if there is one.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.0.cluster.as_ref()
    }
    pub(crate) fn nodes(&self) -> usize {
        self.0.plan.nodes.max(1)
    }
    /// How often a node has been started.
    pub(crate) fn lives(&self, node: usize) -> u64 {
        self.0.lives.borrow().get(node).copied().unwrap_or(0)
    }
    /// Whether no mail waits for anything.
    pub(crate) async fn queue_is_empty(&self) -> bool {
        let mut transaction = Database::new(self.0.store.clone()).begin();
        for shard in 0..hongyan_queue::QUEUE_SHARDS {
            let entries = Tuple::new().string("queue").int(shard).string("entry").range();
            match transaction.get_range_all(RangeQuery::all(entries)).await {
                Ok(entries) if entries.is_empty() => {}
                _ => return false,
            }
        }
        true
    }
    /// An environment for somebody who is no node.
    pub(crate) fn env(&self, address: IpAddr, salt: u64) -> Env {
        Env::simulated(SimulatedHost {
            network: self.0.network.clone(),
            address,
            seed: self.0.seed ^ salt,
            clock_rate_ppm: 0,
            wall_ahead_millis: 0,
            dns: Arc::new(self.0.dns.clone()),
        })
    }
    /// All mailboxes.
    pub(crate) fn mailboxes(&self) -> Vec<MailboxName> {
        (1..=self.0.plan.mailboxes.max(1))
            .map(|number| MailboxName(format!("user{number}@{DOMAIN}")))
            .collect()
    }
    /// A name that no folder has had.
    pub(crate) fn new_folder_name(&self) -> FolderName {
        let mut own = self.0.own_folders.borrow_mut();
        own.names += 1;
        FolderName(format!("own{}", own.names))
    }
    /// The folders that clients made in a mailbox and, as far as they know, nobody took.
    pub(crate) fn own_folders(&self, mailbox: &MailboxName) -> Vec<FolderName> {
        let own = self.0.own_folders.borrow();
        own.there.get(mailbox).cloned().unwrap_or_default()
    }
    pub(crate) fn add_own_folder(&self, place: &Place) {
        let mut own = self.0.own_folders.borrow_mut();
        own.there
            .entry(place.mailbox.clone())
            .or_default()
            .push(place.folder.clone());
    }
    pub(crate) fn remove_own_folder(&self, place: &Place) {
        let mut own = self.0.own_folders.borrow_mut();
        if let Some(there) = own.there.get_mut(&place.mailbox) {
            there.retain(|folder| *folder != place.folder);
        }
    }
    /// From now on store and network fail as `faults` says.
    pub(crate) fn set_faults(&self, faults: &Faults) {
        let unknown = faults.unknown_per_mille / 2;
        self.0.store.set_faults(hongyan_memory::Faults {
            seed: self.0.seed,
            conflict_per_mille: faults.conflict_per_mille,
            commit_too_old_per_mille: faults.too_old_per_mille,
            read_too_old_per_mille: faults.too_old_per_mille,
            unknown_applied_per_mille: faults.unknown_per_mille - unknown,
            unknown_not_applied_per_mille: unknown,
            unavailable_per_mille: faults.unavailable_per_mille,
            delay_micros_max: faults.store_delay_micros_max,
        });
        self.0.network.set_latency(Latency {
            micros_min: 0,
            micros_max: faults.network_delay_micros_max,
        });
        self.0.network.set_fragments(faults.fragment_per_mille);
        if let Some(cluster) = self.cluster() {
            cluster.set_faults(faults);
        }
    }
    /// Starts a node that does not run.
    pub(crate) fn start(&self, node: usize) {
        let place = self.cluster().map(|cluster| cluster.place(node));
        let started = self.start_at(node, node_address(node), place);
        self.0.nodes.borrow_mut()[node] = Some(started);
    }
    /// Starts a second process of a node, elsewhere, from a copy of its disk.
    pub(crate) fn start_copy(&self, node: usize) -> NodeLife {
        let place = self.cluster().map(|cluster| cluster.place_of_copy(node));
        self.start_at(node, copy_address(node), place)
    }
    fn start_at(&self, node: usize, address: IpAddr, place: Option<ClusterPlace>) -> NodeLife {
        let is_copy = place.as_ref().is_some_and(|place| place.is_copy);
        let life = {
            let mut lives = self.0.lives.borrow_mut();
            lives[node] += 1;
            lives[node]
        };
        let what = if is_copy { "copy of node" } else { "node" };
        self.0
            .recorder
            .log()
            .line(format_args!("{what} {node} starts, life {life}"));
        let seed = self.0.seed ^ ((node as u64 + 1) << 32) ^ (life << 40);
        let faults = &self.0.plan.faults;
        let link = Link::new(
            self.0.store.clone(),
            seed,
            faults.commit_delay_micros_max,
            self.0.plan.mutant,
            Arc::clone(&self.0.seen),
            self.0.recorder.log().clone(),
        );
        NodeLife::start(NodeParts {
            number: node,
            address,
            network: self.0.network.clone(),
            dns: self.0.dns.clone(),
            link,
            seed,
            clock_rate_ppm: self.0.clock_rates[node],
            settings: self.0.settings,
            log: self.0.recorder.log().clone(),
            place,
        })
    }
    /// A node died and left this disk.
    pub(crate) fn lost(&self, node: usize, disk: Option<hongyan_metadata::MemoryDisk>) {
        if let (Some(cluster), Some(disk)) = (self.cluster(), disk) {
            cluster.set_disk(node, disk);
        }
    }
    /// Takes a node out, to kill or stop it; none when it does not run.
    pub(crate) fn take(&self, node: usize) -> Option<NodeLife> {
        self.0.nodes.borrow_mut()[node].take()
    }
    pub(crate) fn with_node<T>(&self, node: usize, act: impl FnOnce(&NodeLife) -> T) -> Option<T> {
        self.0.nodes.borrow()[node].as_ref().map(act)
    }
    /// Ends everything that goes wrong, and starts what does not run.
    pub(crate) fn heal(&self) {
        self.0.recorder.log().line(format_args!("all is healed"));
        self.set_faults(&Faults::default());
        self.0.network.heal();
        if let Some(cluster) = self.cluster() {
            cluster.heal();
        }
        for node in 0..self.nodes() {
            let runs = self.with_node(node, |life| {
                life.open();
                life.cut_store(false);
            });
            if runs.is_none() {
                self.start(node);
            }
        }
    }

    async fn make_accounts(&self) -> Result<()> {
        let env = self.env(IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9)), 1);
        let database = Database::new(self.0.store.clone());
        let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
        let access = Access::open(directory.clone(), &database, env, access_options()).await?;
        let domain = Domain::try_from(DOMAIN).context("name the domain")?;
        let tenant = directory.create_tenant(&NewTenant::named("sim")).await?;
        directory.create_domain(tenant.id, &domain).await?;
        let credential = credential(&access).await?;
        for mailbox in self.mailboxes() {
            let account = NewAccount {
                credential: Some(credential.clone()),
                ..NewAccount::at(Address::try_from(mailbox.0.as_str())?)
            };
            directory.create_account(&account).await?;
        }
        Ok(())
    }
}

/// The hash of the password, computed once in a process: no run depends on its salt.
async fn credential(access: &Access) -> Result<Credential> {
    static CREDENTIAL: OnceLock<Credential> = OnceLock::new();
    if let Some(credential) = CREDENTIAL.get() {
        return Ok(credential.clone());
    }
    let made = access.hash_password(&Secret::new(PASSWORD)).await?;
    Ok(CREDENTIAL.get_or_init(|| made).clone())
}

pub(crate) fn node_address(node: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(node + 1).unwrap_or(u8::MAX)))
}

fn copy_address(node: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 1, u8::try_from(node + 1).unwrap_or(u8::MAX)))
}

/// The number of the node at an address.
pub(crate) fn node_at(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => u32::from(address.octets()[3]).saturating_sub(1),
        IpAddr::V6(_) => u32::MAX,
    }
}

pub(crate) fn client_address(client: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 1, 0, u8::try_from(client + 1).unwrap_or(u8::MAX)))
}

pub(crate) fn outside_address() -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 2, 0, 1))
}
