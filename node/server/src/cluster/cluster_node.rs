//! A member that serves: transport, agreement, leases, the door for those who join and the renewal of its certificate, all
//! on a thread of their own, so that nothing busy delays a heartbeat.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use hongyan_cluster::{Door, Member, MemberControl, MemberParts, MetadataStore, StoreWatch};
use hongyan_config::Config;
use hongyan_embedded::EmbeddedStore;
use hongyan_env::{Env, OwnThread};
use hongyan_http_admin::ClusterControl;
use hongyan_identity::{Fingerprint, Identity, JoinOptions, Register, renew_forever, serve_joins};
use hongyan_kv::Database;
use hongyan_membership::MembershipOptions;
use hongyan_metadata::{Change, LocalStore, Metadata, MetadataOptions, NodeState};
use hongyan_telemetry::Health;
use hongyan_transport::{ClusterId, NodeId, TcpTransport, TcpTransportParts, TransportOptions};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::admission::{Admission, StoreFacts};
use super::folder::{ClusterFolder, Contact, Facts, Storage};
use super::place::Place;
use super::refusal::{self, Refused};
use super::{RELEASE, address_book, doors, protocols};

/// How long the leader may take to agree to a drain.
const PROPOSE_WITHIN: Duration = Duration::from_secs(5);
/// How long it may take to tell the others that this node ends.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);
/// How often a draining node looks whether it owns anything.
const DRAIN_POLL: Duration = Duration::from_millis(50);
/// How often readiness is looked at.
const READY_POLL: Duration = Duration::from_millis(200);

/// What a node that is a member finds at its start.
pub(crate) struct Joined {
    pub(crate) folder: ClusterFolder,
    pub(crate) facts: Facts,
    pub(crate) place: Place,
    pub(crate) identity: Identity,
    cluster: ClusterId,
    node: NodeId,
}

impl Joined {
    /// Reads what `cluster init` or `cluster join` has left, and puts the cluster's store into `config`; `None` for a node
    /// alone.
    pub(crate) fn find(config: &mut Config, env: &Env) -> Result<Option<Self>> {
        let folder = ClusterFolder::of(config);
        let Some(facts) = folder.facts()? else {
            return Ok(None);
        };
        let (identity, cluster, node) = folder.identity(&facts)?;
        let place = Place::of(config, env)?;
        facts.apply(config, &folder);
        if config.storage.backend != "foundationdb" {
            bail!("setting storage.backend: the nodes of a cluster share a store, which foundationdb is");
        }
        Ok(Some(Self {
            folder,
            facts,
            place,
            identity,
            cluster,
            node,
        }))
    }
    /// Which node it is.
    pub(crate) fn node(&self) -> NodeId {
        self.node
    }
}

/// A running member. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct ClusterNode(Arc<Inner>);

struct Inner {
    env: Env,
    member: Member,
    door: Option<SocketAddr>,
    identity: Arc<RwLock<Identity>>,
    transport: Arc<TcpTransport>,
    metadata_store: EmbeddedStore,
    refused: watch::Receiver<Option<Refused>>,
    tasks: Mutex<JoinSet<()>>,
    drain_within: Duration,
    /// Last: whatever runs on it ends before.
    thread: OwnThread,
}

/// What starts on the thread.
struct Running {
    member: Member,
    transport: Arc<TcpTransport>,
    metadata_store: EmbeddedStore,
    refused: watch::Receiver<Option<Refused>>,
    tasks: JoinSet<()>,
}

impl ClusterNode {
    /// Takes part in the cluster. Fences are raised in `data`.
    pub(crate) async fn start(env: Env, config: &Config, joined: Joined, data: Database) -> Result<Self> {
        let thread = OwnThread::start("cluster").context("start the cluster's thread")?;
        let identity = Arc::new(RwLock::new(joined.identity.clone()));
        let door = joined.place.for_joining();
        let start = start_there(env.clone(), config.clone(), joined, data, Arc::clone(&identity));
        let started = thread.run(start).await;
        let running = started.map_err(|_| anyhow!("the cluster's thread has crashed"))??;
        Ok(Self(Arc::new(Inner {
            env,
            member: running.member,
            door,
            identity,
            transport: running.transport,
            metadata_store: running.metadata_store,
            refused: running.refused,
            tasks: Mutex::new(running.tasks),
            drain_within: Duration::from_secs(config.cluster.drain_secs_max),
            thread,
        })))
    }
    /// The member.
    pub(crate) fn member(&self) -> &Member {
        &self.0.member
    }
    /// The operator's hand upon it, and eye on the store behind all nodes.
    pub(crate) fn control(&self, store: Option<Arc<dyn StoreWatch>>) -> Result<Arc<dyn ClusterControl>> {
        let authorities = self.0.identity.read().credentials()?.authorities;
        let authority = authorities.first().context("the identity has no authority")?;
        let door = self.0.door.map(|address| {
            let metadata = self.0.member.metadata().clone();
            Door {
                authority: Fingerprint::of(authority),
                addresses: Arc::new(move || doors::all(&metadata.map(), address)),
            }
        });
        let control = MemberControl::new(self.0.env.clone(), self.0.member.metadata().clone(), door);
        Ok(match store {
            Some(store) => Arc::new(control.with_store(store)),
            None => Arc::new(control),
        })
    }
    /// Waits until the cluster refuses this node for good.
    pub(crate) async fn refused(&self) -> Refused {
        let mut refused = self.0.refused.clone();
        match refused.wait_for(Option::is_some).await.map(|refused| refused.clone()) {
            Ok(Some(refused)) => refused,
            _ => std::future::pending().await,
        }
    }
    /// Waits until the leader has confirmed that this node lives: from then on it may answer.
    pub(crate) async fn arrived(&self) {
        while !self.0.member.ownership().has_lease() {
            self.0.env.sleep(READY_POLL).await;
        }
    }
    /// Tells `health` whether traffic may come, for ever.
    pub(crate) async fn watch_readiness(self, health: Health) {
        loop {
            match self.unready() {
                Some(reason) => health.not_ready("cluster", reason),
                None => health.ready("cluster"),
            }
            self.0.env.sleep(READY_POLL).await;
        }
    }
    fn unready(&self) -> Option<String> {
        let map = self.0.member.metadata().map();
        let state = map.node(self.0.member.node()).map(|record| record.state);
        let is_draining = state == Some(NodeState::Draining);
        let trouble = self.0.member.trouble();
        trouble.or_else(|| is_draining.then(|| "the node is draining".to_owned()))
    }
    /// Lets others take over what this node owns, if others live: what follows then fails no request.
    pub(crate) async fn drain(&self) {
        let node = self.0.member.node();
        if self.0.drain_within.is_zero() || !self.others_serve() {
            return;
        }
        let draining = Change::SetState {
            node: node.0,
            state: NodeState::Draining,
        };
        if let Err(error) = self.0.member.metadata().propose(draining, PROPOSE_WITHIN).await {
            tracing::warn!(%error, "the node ends without a drain: others take over when they miss it");
            return;
        }
        let done = async {
            while self.owns_something() && self.others_serve() {
                self.0.env.sleep(DRAIN_POLL).await;
            }
        };
        match self.0.env.timeout(self.0.drain_within, done).await {
            Some(()) => tracing::info!("the node is drained"),
            None => tracing::warn!(
                partitions = self.0.member.metadata().map().owned_by(node),
                "the node ends before it is drained (cluster.drain_secs_max)"
            ),
        }
    }
    fn owns_something(&self) -> bool {
        self.0.member.metadata().map().owned_by(self.0.member.node()) > 0
    }
    fn others_serve(&self) -> bool {
        let map = self.0.member.metadata().map();
        let mut others = map.nodes.iter().filter(|(id, _)| **id != self.0.member.node().0);
        others.any(|(_, record)| record.state == NodeState::Up)
    }
    /// Takes no part any more; the others are told, unless they have refused this node.
    pub(crate) async fn stop(&self) {
        let (member, transport) = (self.0.member.clone(), Arc::clone(&self.0.transport));
        let is_refused = self.0.refused.borrow().is_some();
        let mut tasks = std::mem::take(&mut *self.0.tasks.lock());
        let stop = async move {
            if is_refused {
                member.stop().await;
            } else {
                member.leave_in_order(GOODBYE_WITHIN).await;
            }
            tasks.shutdown().await;
            transport.stop();
        };
        let _ = self.0.thread.run(stop).await;
        self.0.metadata_store.close();
    }
}

async fn start_there(
    env: Env,
    config: Config,
    joined: Joined,
    data: Database,
    identity: Arc<RwLock<Identity>>,
) -> Result<Running> {
    let Joined {
        folder,
        facts,
        place,
        cluster,
        node,
        ..
    } = joined;
    let metadata_store = folder.open_metadata(&config, &env)?;
    let disk: Arc<dyn LocalStore> = Arc::new(MetadataStore::new(Database::new(metadata_store.clone())));
    let transport = Arc::new(TcpTransport::start(TcpTransportParts {
        env: env.clone(),
        cluster: cluster.clone(),
        node,
        incarnation: Metadata::next_life(node, Arc::clone(&disk))
            .await
            .map_err(refusal::at_start)?,
        credentials: identity.read().credentials()?,
        options: TransportOptions::default(),
    })?);
    let mut listeners = Vec::new();
    for address in &place.listen {
        listeners.push(
            env.listen(*address)
                .await
                .with_context(|| format!("listen for nodes on {address}"))?,
        );
    }
    address_book::take_contacts(&transport, &facts.contacts);
    let member = Member::start(member_parts(&env, &transport, disk, data, &facts, &place)?).await;
    let member = member.map_err(refusal::at_start)?;
    expect_fit(&env, &member, &identity.read(), &folder, &facts, &cluster)?;
    let register = Arc::new(Register::default());
    transport.set_admission(Arc::new(address_book::Admitted {
        register: Arc::clone(&register),
        member: member.clone(),
    }));
    let mut tasks = JoinSet::new();
    tasks.spawn(address_book::follow(
        Arc::clone(&transport),
        register,
        member.metadata().watch(),
    ));
    for listener in listeners {
        transport.listen(listener);
    }
    let admission = Admission {
        env: env.clone(),
        cluster,
        metadata: member.metadata().clone(),
        store: store_facts(&config, &facts),
    };
    open_doors(&mut tasks, &env, &place, &identity, &admission).await?;
    let announced = doors::announce(env.clone(), member.metadata().clone(), place.for_joining());
    tasks.spawn(announced);
    tasks.spawn(keep_certified(
        env.clone(),
        folder,
        Arc::clone(&transport),
        identity,
        admission,
    ));
    let (told, refused) = watch::channel(None);
    tasks.spawn(refusal::watch(env, member.clone(), Arc::clone(&transport), told));
    Ok(Running {
        member,
        transport,
        metadata_store,
        refused,
        tasks,
    })
}

/// Whether this node's metadata and certificate are of use.
fn expect_fit(
    env: &Env,
    member: &Member,
    identity: &Identity,
    folder: &ClusterFolder,
    facts: &Facts,
    cluster: &ClusterId,
) -> Result<()> {
    let map = member.metadata().map();
    if map.is_founded() && ClusterId::from_random(map.cluster) != *cluster {
        let text = format!("the metadata in {} is that of another cluster", folder.path().display());
        return Err(Refused::Here(text).into());
    }
    let node = member.node();
    let others = map
        .nodes
        .iter()
        .any(|(id, record)| *id != node.0 && record.state != NodeState::Left);
    // Alone it shows its certificate to nobody, and renews it.
    if others || (!map.is_founded() && !facts.contacts.is_empty()) {
        refusal::expect_good(env.wall_millis(), node, &identity.facts()?)?;
    }
    Ok(())
}

fn member_parts(
    env: &Env,
    transport: &Arc<TcpTransport>,
    store: Arc<dyn LocalStore>,
    data: Database,
    facts: &Facts,
    place: &Place,
) -> Result<MemberParts> {
    use hongyan_transport::Transport;
    Ok(MemberParts {
        env: env.clone(),
        node: transport.node(),
        transport: Arc::clone(transport) as Arc<dyn Transport>,
        store,
        data,
        address: place.for_nodes()?.to_string(),
        release: RELEASE.to_owned(),
        protocols: protocols(),
        contacts: facts
            .contacts
            .iter()
            .map(|Contact { node, .. }| NodeId(*node))
            .collect(),
        partitions: facts.partitions,
        metadata: MetadataOptions::default(),
        membership: MembershipOptions::default(),
    })
}

fn store_facts(config: &Config, facts: &Facts) -> StoreFacts {
    let is_foundation = facts.storage != Storage::Configured || config.storage.backend == "foundationdb";
    StoreFacts {
        storage: facts.storage,
        key_space: facts.key_space.clone(),
        cluster_file: is_foundation.then(|| config.storage.cluster_file.clone().into()),
    }
}

async fn open_doors(
    tasks: &mut JoinSet<()>,
    env: &Env,
    place: &Place,
    identity: &Arc<RwLock<Identity>>,
    admission: &Admission,
) -> Result<()> {
    for address in &place.join_listen {
        let listener = env.listen(*address).await;
        let listener = listener.with_context(|| format!("listen for joining nodes on {address}"))?;
        tasks.spawn(serve_joins(
            env.clone(),
            listener,
            Arc::clone(identity),
            Arc::new(admission.clone()),
            JoinOptions::default(),
        ));
    }
    Ok(())
}

/// Renews the certificate in time, for ever.
async fn keep_certified(
    env: Env,
    folder: ClusterFolder,
    transport: Arc<TcpTransport>,
    shown: Arc<RwLock<Identity>>,
    admission: Admission,
) {
    use hongyan_transport::Transport;
    let node = transport.node();
    let renewed = move |identity: &Identity| {
        let set = identity
            .credentials()
            .map_err(|error| error.to_string())
            .and_then(|credentials| {
                transport
                    .set_credentials(credentials)
                    .map_err(|error| error.to_string())
            });
        match set {
            Ok(()) => *shown.write() = identity.clone(),
            Err(error) => tracing::error!(error, "the renewed certificate cannot be used"),
        }
    };
    let sign = move |key| admission.renew(node, key);
    renew_forever(env, folder.identity_file(), sign, renewed).await;
}
