//! One node: started, killed, paused, stopped in good order, started again.
//!
//! A node of a cluster runs its member beside all else, so that it stands still and dies with it.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use hongyan_access::{Access, AccessOptions};
use hongyan_actor::Arbiters;
use hongyan_blob::BlobOptions;
use hongyan_cluster::{Member, MemberParts};
use hongyan_config::Config;
use hongyan_directory::{Directory, DirectoryOptions};
use hongyan_env::{Env, SimulatedHost, SimulatedNetwork, ZoneDns};
use hongyan_kv::Database;
use hongyan_listener::{CertificatePem, TlsConfig, self_signed};
use hongyan_mailbox::{MailboxOptions, QuotaLimits};
use hongyan_membership::MembershipOptions;
use hongyan_metadata::{MemoryDisk, MetadataOptions, Protocols};
use hongyan_server::{Assembly, AssemblyParts, Ground};
use hongyan_transport::{NodeId, SimNetwork, Transport};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet};

use crate::link::Link;
use crate::log::Log;
use crate::mutant::Mutant;
use crate::trusting::Trusting;

/// Time between two tries to start a node whose store does not answer.
const START_RETRY: Duration = Duration::from_millis(500);
/// How long a node that stops may take to tell the others.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);
/// Passes of the collector must be due within a run.
const BLOB_GRACE_SECS: u64 = 3;

/// What one life of a node is made of.
pub(crate) struct NodeParts {
    pub(crate) number: usize,
    pub(crate) address: IpAddr,
    pub(crate) network: SimulatedNetwork,
    pub(crate) dns: ZoneDns,
    pub(crate) link: Link,
    pub(crate) seed: u64,
    pub(crate) clock_rate_ppm: i32,
    pub(crate) settings: Settings,
    pub(crate) log: Log,
    /// None for a node that is alone.
    pub(crate) place: Option<ClusterPlace>,
}

/// A node's place in a cluster.
#[derive(Clone)]
pub(crate) struct ClusterPlace {
    pub(crate) network: SimNetwork,
    pub(crate) node: NodeId,
    pub(crate) disk: MemoryDisk,
    pub(crate) contacts: Vec<NodeId>,
    pub(crate) partitions: usize,
    pub(crate) release: String,
    pub(crate) mutant: Option<Mutant>,
    /// Another process than the node's, which others do not call.
    pub(crate) is_copy: bool,
}

impl ClusterPlace {
    fn join(&self) -> Arc<dyn Transport> {
        if self.is_copy {
            self.network.join_uncalled(self.node)
        } else {
            self.network.join_local(self.node)
        }
    }
    fn end(&self) {
        if !self.is_copy {
            self.network.crash(self.node);
        }
    }
}

/// Settings with hostile values, the same for all nodes of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) mailbox_idle_secs: u64,
    pub(crate) checkpoint_commits: usize,
    pub(crate) step_messages: usize,
    pub(crate) inline_octets_max: usize,
}

/// One life of a node.
pub(crate) struct NodeLife {
    link: Link,
    gate: Rc<Gate>,
    stop: Rc<Notify>,
    task: JoinHandle<()>,
    member: MemberSlot,
    signs: Rc<Signs>,
    place: Option<ClusterPlace>,
}

/// What a life shows of itself.
#[derive(Default)]
struct Signs {
    is_ready: Cell<bool>,
    is_refused: Cell<bool>,
}

/// The member of a life, once it has one.
type MemberSlot = Rc<RefCell<Option<Member>>>;

/// Holds a node still.
#[derive(Default)]
struct Gate {
    is_shut: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl NodeLife {
    /// Starts a node on a task of the calling `LocalSet`; it lives until killed or stopped.
    pub(crate) fn start(parts: NodeParts) -> Self {
        let (gate, stop, link) = (Rc::<Gate>::default(), Rc::<Notify>::default(), parts.link.clone());
        let (member, place) = (MemberSlot::default(), parts.place.clone());
        let mut set = LocalSet::new();
        let signs = Rc::<Signs>::default();
        let (stopping, slot, shown) = (Rc::clone(&stop), Rc::clone(&member), Rc::clone(&signs));
        let life = set.spawn_local(live(parts, stopping, slot, shown));
        let shut = Rc::clone(&gate);
        let task = tokio::task::spawn_local(std::future::poll_fn(move |cx| {
            if shut.is_shut.get() {
                shut.waker.set(Some(cx.waker().clone()));
                return Poll::Pending;
            }
            // The set never ends by itself while others hold on to it; its first task is the node's life.
            let _ = hongyan_env::host_turn(|| std::pin::Pin::new(&mut set).poll(cx));
            if life.is_finished() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        Self {
            link,
            gate,
            stop,
            task,
            member,
            signs,
            place,
        }
    }
    /// Whether it lets clients in.
    pub(crate) fn is_ready(&self) -> bool {
        self.signs.is_ready.get()
    }
    /// Whether the cluster has turned it away.
    pub(crate) fn is_refused(&self) -> bool {
        self.signs.is_refused.get()
    }
    /// Ends it at once, with all that it holds in memory. Gives its disk as the next life finds it.
    pub(crate) async fn kill(self) -> Option<MemoryDisk> {
        self.link.die();
        let disk = self.place.as_ref().map(|place| {
            place.end();
            place.disk.crash()
        });
        self.task.abort();
        let _ = self.task.await;
        disk
    }
    /// Ends it in good order.
    pub(crate) async fn stop(self) {
        self.open();
        self.stop.notify_one();
        let _ = self.task.await;
        if let Some(place) = &self.place {
            place.end();
        }
    }
    /// Its part in the cluster, if it has one already.
    pub(crate) fn member(&self) -> Option<Member> {
        self.member.borrow().clone()
    }
    /// Makes it stand still, as a process that gets no processor.
    pub(crate) fn pause(&self) {
        self.gate.is_shut.set(true);
    }
    /// Lets it go on.
    pub(crate) fn open(&self) {
        self.gate.is_shut.set(false);
        if let Some(waker) = self.gate.waker.take() {
            waker.wake();
        }
    }
    /// Cuts it from the store, or not.
    pub(crate) fn cut_store(&self, is_cut: bool) {
        self.link.cut(is_cut);
    }
}

async fn live(parts: NodeParts, stop: Rc<Notify>, slot: MemberSlot, signs: Rc<Signs>) {
    let env = Env::simulated(SimulatedHost {
        network: parts.network.clone(),
        address: parts.address,
        seed: parts.seed,
        clock_rate_ppm: parts.clock_rate_ppm,
        wall_ahead_millis: i64::try_from(parts.log.now_micros() / 1000).unwrap_or(0),
        dns: Arc::new(parts.dns.clone()),
    });
    let mut assembly = loop {
        match assemble(&parts, &env, &slot).await {
            Ok(assembly) => break assembly,
            Err(error) => parts
                .log
                .line(format_args!("node {} does not start: {error:#}", parts.number)),
        }
        if let Some(member) = slot.take() {
            member.stop().await;
        }
        env.sleep(START_RETRY).await;
    };
    parts.log.line(format_args!("node {} is ready", parts.number));
    signs.is_ready.set(true);
    let member = slot.borrow().clone();
    let refused = async {
        match &member {
            Some(member) => member.refused().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop.notified() => {
            assembly.stop().await;
            if let Some(member) = &member {
                member.leave_in_order(GOODBYE_WITHIN).await;
            }
        }
        refusal = refused => {
            parts.log.line(format_args!("node {} is refused: {refusal}", parts.number));
            signs.is_refused.set(true);
            assembly.stop().await;
        }
    }
    if let Some(member) = member {
        member.stop().await;
    }
}

async fn join(parts: &NodeParts, place: &ClusterPlace, env: &Env) -> anyhow::Result<Member> {
    let transport = place.join();
    let transport = match place.mutant {
        Some(Mutant::HintTrustedWithoutLog) => Arc::new(Trusting::new(transport, env.clone())),
        _ => transport,
    };
    let member = Member::start(MemberParts {
        env: env.clone(),
        node: place.node,
        transport,
        store: Arc::new(place.disk.clone()),
        data: Database::new(parts.link.clone()),
        address: parts.address.to_string(),
        release: place.release.clone(),
        protocols: Protocols { oldest: 1, newest: 1 },
        contacts: place.contacts.clone(),
        partitions: place.partitions,
        metadata: MetadataOptions::default(),
        membership: MembershipOptions::default(),
    })
    .await?;
    Ok(member)
}

async fn assemble(parts: &NodeParts, env: &Env, slot: &MemberSlot) -> anyhow::Result<Assembly> {
    if let Some(place) = &parts.place {
        let member = join(parts, place, env).await?;
        slot.replace(Some(member));
    }
    let member = slot.borrow().clone();
    let database = Database::new(parts.link.clone());
    let directory = Directory::new(database.clone(), env.clone(), DirectoryOptions::default());
    let access = Access::open(directory.clone(), &database, env.clone(), access_options()).await?;
    let settings = parts.settings;
    let mut assembly = Assembly::start(AssemblyParts {
        config: config(parts),
        ground: Ground {
            env: env.clone(),
            database,
            directory,
            access,
        },
        arbiters: Arbiters::local(),
        cluster: member,
        tls: certificate()?,
        mailboxes: MailboxOptions {
            checkpoint_commits: settings.checkpoint_commits,
            expunge_step_messages: settings.step_messages,
            copy_step_messages: settings.step_messages,
            flag_step_messages: settings.step_messages,
            quota: QuotaLimits {
                octets_max: 1 << 30,
                messages_max: 1 << 20,
                warning_percent: 0,
            },
            // What is kept to be had back would hide a blob that is removed too early.
            purged_kept: Duration::ZERO,
            ..MailboxOptions::default()
        },
        blobs: BlobOptions {
            inline_octets_max: settings.inline_octets_max,
            grace_secs: BLOB_GRACE_SECS,
            ..BlobOptions::default()
        },
        clear_passwords_on_loopback: true,
    })
    .await?;
    assembly.open_ports().await?;
    Ok(assembly)
}

/// Sign-in as cheap as it can be: it is not what simulation is about.
pub(crate) fn access_options() -> AccessOptions {
    AccessOptions {
        argon2_memory_kib: 8,
        argon2_passes: 1,
        scram_iterations: hongyan_sasl::ITERATIONS_MIN,
        sessions_per_account_max: 10_000,
        ..AccessOptions::default()
    }
}

fn config(parts: &NodeParts) -> Config {
    let at = |port: u16| vec![std::net::SocketAddr::new(parts.address, port).to_string()];
    let mut config = Config::default();
    config.node.host_name = format!("node{}.sim.test", parts.number);
    config.node.shutdown_grace_secs = 5;
    config.listen.smtp = at(25);
    config.listen.lmtp = at(24);
    config.listen.submission = at(587);
    config.listen.submissions = Vec::new();
    config.listen.imap = at(143);
    config.listen.imaps = Vec::new();
    config.listen.pop3 = at(110);
    config.listen.pop3s = Vec::new();
    config.listen.https = Vec::new();
    config.tls.allow_plaintext_passwords = true;
    config.limits.connections_per_address_max = 1_000_000;
    config.limits.mailbox_idle_secs = parts.settings.mailbox_idle_secs;
    config
}

/// One certificate for all runs of the process: nobody starts TLS, whose handshakes cannot be seeded.
fn certificate() -> anyhow::Result<TlsConfig> {
    static CERTIFICATE: std::sync::OnceLock<CertificatePem> = std::sync::OnceLock::new();
    if CERTIFICATE.get().is_none() {
        let _ = CERTIFICATE.set(self_signed(&["sim.test".to_owned()])?);
    }
    let pem = CERTIFICATE.get().into_iter().cloned().collect::<Vec<_>>();
    Ok(TlsConfig::from_pem(&pem)?)
}
