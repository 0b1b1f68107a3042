//! A node's part in the agreement: start, read the map, propose, stop.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hongyan_env::Env;
use hongyan_placement::NodeId;
use hongyan_transport::Transport;
use openraft::{Config, SnapshotPolicy};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::codec::seal;
use crate::disk::{Disk, Found};
use crate::heard::{Heard, confirmed_last};
use crate::log::Log;
use crate::machine::Machine;
use crate::network::{Answer, Member, Network, Question, SERVICE, ask, propose_here};
use crate::store::{self, LocalStore};
use crate::types::{LogId, Raft, Vote};
use crate::witness::{Promise, Witness};
use crate::{Applied, Change, ClusterMap, Founding, Incarnation, MetadataOptions, Refusal, reconcile};

/// Largest piece of a snapshot in one call.
const SNAPSHOT_PIECE_OCTETS: u64 = 256 << 10;
/// Entries in one call.
const ENTRIES_A_CALL: u64 = 64;
/// Pause before a proposal that found no leader is tried again.
const PROPOSE_PAUSE: Duration = Duration::from_millis(50);
/// Longest wait for one node's answer to a proposal.
const PROPOSE_CALL: Duration = Duration::from_millis(1000);
/// How long other members may take to say whether this disk is the newest.
const PROBE: Duration = Duration::from_millis(300);
/// How long they may take to say when they last heard an earlier leader.
const SILENCE: Duration = Duration::from_millis(150);
/// Pause between two looks whether a leader has asked.
const LISTEN_PAUSE: Duration = Duration::from_millis(20);
/// How long a node that starts waits to be asked by a leader, in multiples of the time after which it would stand for election:
/// one that stands although there is a leader deposes it.
const LISTEN_ELECTIONS: u32 = 6;
/// How often those who did not answer are asked while others did.
const RECALLS: u32 = 3;

/// Why a node cannot take part.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be read or written.
    #[error("cluster metadata cannot be read from or written to the local store")]
    Store(#[source] io::Error),
    /// What lies there contradicts itself.
    #[error(
        "cluster metadata on this disk is damaged ({0}): let this node leave (`hongyan cluster leave` on another node) and join \
         anew with an empty data folder"
    )]
    Damaged(String),
    /// It belongs to another node.
    #[error("this disk belongs to node {found}, not to node {expected}")]
    OtherNode {
        /// Whose it is.
        found: u64,
        /// Who was started.
        expected: u64,
    },
    /// Raft does not start.
    #[error("Raft does not start: {0}")]
    Raft(String),
}

/// Why a proposal has no effect, or none that is known of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// The map refuses it; nothing was done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No leader answered in time; whether the change is made is unknown.
    #[error("no leader of the cluster answers")]
    NoLeader,
}

/// Who leads, as this node sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leadership {
    /// The leader.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: u64,
    /// Whether it is this node.
    pub here: bool,
}

/// The members of Raft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members {
    /// Those whose agreement counts.
    pub voters: BTreeSet<u64>,
    /// Those who only learn.
    pub learners: BTreeSet<u64>,
    /// Between an old set of voters and a new one: both must agree.
    pub changing: bool,
}

/// Clones are handles to the same part.
#[derive(Clone)]
pub struct Metadata(Arc<Inner>);

struct Inner {
    env: Env,
    node: NodeId,
    incarnation: Incarnation,
    transport: Arc<dyn Transport>,
    raft: Raft,
    disk: Disk,
    machine: Machine,
    leadership: watch::Receiver<Leadership>,
    refusal: watch::Sender<Option<Refusal>>,
    trusted: watch::Sender<bool>,
    heard: Arc<Heard>,
    member: Arc<Member>,
    contacts: Vec<NodeId>,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

impl Metadata {
    /// Takes part as `node` with what `store` remembers. Runs on the present runtime, which in production is one
    /// of its own. A node that has no map yet proposes through `contacts`.
    ///
    /// # Errors
    /// When the store is unreadable, damaged or another node's.
    pub async fn start(
        env: Env,
        node: NodeId,
        store: Arc<dyn LocalStore>,
        transport: Arc<dyn Transport>,
        contacts: Vec<NodeId>,
        options: MetadataOptions,
    ) -> Result<Self, StartError> {
        let disk = Disk::new(store);
        let mut found = disk.read().await?;
        let kept = Kept::of(&found);
        let incarnation = begin_life(&env, node, &disk, &found).await?;
        let machine = Machine::new(disk.clone(), &mut found)?;
        let log = Log::new(disk.clone(), &mut found);
        let heard = Arc::new(Heard::new(env.now_micros()));
        let refusal = watch::Sender::new(None);
        let witness = Arc::new(Witness::default());
        let member = Arc::new(Member {
            env: env.clone(),
            heard: Arc::clone(&heard),
            node,
            machine: machine.clone(),
            raft: OnceLock::new(),
            trusted: AtomicBool::new(false),
            refusal: refusal.clone(),
            witness: Arc::clone(&witness),
        });
        transport.serve(SERVICE, Arc::clone(&member) as Arc<dyn hongyan_transport::Service>);
        let config = Arc::new(config(&env, &options)?);
        let network = Network {
            transport: Arc::clone(&transport),
            witness,
        };
        let raft = Raft::new(node.0, config, network, log, machine.clone())
            .await
            .map_err(|error| StartError::Raft(error.to_string()))?;
        let _ = member.raft.set(raft.clone());
        let (leadership_sender, leadership) = watch::channel(Leadership::default());
        let metadata = Self(Arc::new(Inner {
            env,
            node,
            incarnation,
            transport,
            raft,
            disk,
            machine,
            leadership,
            refusal,
            trusted: watch::Sender::new(false),
            heard,
            member: Arc::clone(&member),
            contacts,
            tasks: parking_lot::Mutex::default(),
        }));
        metadata.run(metadata.clone().follow_leadership(leadership_sender));
        metadata.run(metadata.clone().earn_trust(kept, LISTEN_ELECTIONS * options.election));
        metadata.run(reconcile::run(metadata.clone(), options));
        Ok(metadata)
    }

    /// Which life of `node` the next [`Self::start`] on `store` will be. A transport has to know it before.
    ///
    /// # Errors
    /// As [`Self::start`]; nothing is written.
    pub async fn next_life(node: NodeId, store: Arc<dyn LocalStore>) -> Result<u64, StartError> {
        let found = Disk::new(store).read().await?;
        lives_of(node, &found).map(|lives| lives + 1)
    }

    /// Makes a new cluster whose first member is this node.
    ///
    /// # Errors
    /// When it is a member of one already.
    pub async fn found(&self, founding: Founding, within: Duration) -> Result<Applied, ProposeError> {
        let begun = self.0.raft.initialize(BTreeSet::from([self.0.node.0])).await;
        if begun.is_err() && self.map().is_founded() {
            return Err(Refusal::Founded.into());
        }
        if begun.is_ok() {
            self.trust();
            self.0.raft.runtime_config().elect(true);
        }
        self.propose(Change::Found(founding), within).await
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.node
    }
    /// The process that speaks for it.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.0.incarnation
    }
    /// The map as far as this node knows it.
    #[must_use]
    pub fn map(&self) -> Arc<ClusterMap> {
        self.0.machine.map()
    }
    /// Follows the map.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<ClusterMap>> {
        self.0.machine.watch()
    }
    /// Who leads, as far as this node knows.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.0.leadership.borrow().leader
    }
    /// Follows who leads.
    #[must_use]
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.0.leadership.clone()
    }
    /// Who votes and who learns at the moment, as far as this node knows.
    #[must_use]
    pub fn members(&self) -> Members {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow();
        let membership = metrics.membership_config.membership();
        Members {
            voters: membership.voter_ids().collect(),
            learners: membership.learner_ids().collect(),
            changing: membership.get_joint_config().len() > 1
                || metrics.membership_config.log_id() > &metrics.last_applied,
        }
    }
    /// Set when the others refuse this node for good: its disk is a copy or an old backup.
    #[must_use]
    pub fn refusal(&self) -> watch::Receiver<Option<Refusal>> {
        self.0.refusal.subscribe()
    }
    /// Whether what is agreed can be written to this node's disk.
    #[must_use]
    pub fn writable(&self) -> watch::Receiver<bool> {
        self.0.disk.writable()
    }
    /// Waits until this disk is known to be the newest of this node; for ever when it is not. Whoever says
    /// [`Change::Arrive`] before is itself the later start that the others then know of.
    pub async fn trusted(&self) {
        let mut trusted = self.0.trusted.subscribe();
        // The sender lives as long as `self`.
        let _ = trusted.wait_for(|trusted| *trusted).await;
    }
    /// Whether this node leads at this moment: true means that it did so after the call began, and that its map has all
    /// that was agreed before.
    pub async fn confirm_leadership(&self) -> bool {
        let term = self.0.leadership.borrow().term;
        // Its own answer counts among the majority's.
        self.0.heard.hear((term, self.0.node.0), self.0.env.now_micros());
        self.0.raft.ensure_linearizable().await.is_ok()
    }
    /// The moment by this node's clock after which no leader before it was confirmed, so that what such a one acknowledged on
    /// the strength of a confirmation is no younger. None when this node does not lead, when too few members answer, and when
    /// it is not sure that for `settled` the same ones have voted.
    pub async fn last_confirmed_before(&self, settled: Duration) -> Option<u64> {
        let inner = &self.0;
        let Leadership { here, term, .. } = *inner.leadership.borrow();
        let leader = (term, inner.node.0);
        let voters = inner.heard.settled_voters(inner.env.now_micros(), settled);
        let voters = voters.filter(|voters| here && voters.contains(&inner.node.0))?;
        let others = voters.iter().filter(|voter| **voter != inner.node.0);
        let asked: Vec<_> = others
            .map(|voter| {
                let (transport, to) = (Arc::clone(&inner.transport), NodeId(*voter));
                let env = inner.env.clone();
                hongyan_env::spawn(async move {
                    let answer = ask(&transport, to, &Question::Silence(leader.0, leader.1), SILENCE).await;
                    (answer, env.now_micros())
                })
            })
            .collect();
        let mut times = vec![inner.heard.before(leader)];
        for asked in asked {
            // That is when it was last heard, or a little later.
            if let Ok((Ok(Answer::Silent(micros)), answered)) = asked.await {
                times.push(answered.saturating_sub(micros));
            }
        }
        confirmed_last(times, voters.len())
    }
    /// Makes `change`, by way of the leader. Tried again until `within` has passed, so that a change must bear being
    /// made twice; those of this crate do, each names what it expects to find.
    ///
    /// # Errors
    /// As [`ProposeError`] says.
    pub async fn propose(&self, change: Change, within: Duration) -> Result<Applied, ProposeError> {
        let attempt = self.propose_until_answered(change);
        match self.0.env.timeout(within, attempt).await {
            Some(outcome) => outcome.map_err(ProposeError::Refused),
            None => Err(ProposeError::NoLeader),
        }
    }

    async fn propose_until_answered(&self, change: Change) -> Result<Applied, Refusal> {
        let mut hint = None;
        let mut turn = 0;
        loop {
            let to = match hint.take().or_else(|| self.leader()) {
                Some(leader) => Some(leader),
                None => self.somebody(turn),
            };
            turn += 1;
            let answer = match to {
                Some(to) if to != self.0.node => {
                    ask(&self.0.transport, to, &Question::Propose(change.clone()), PROPOSE_CALL)
                        .await
                        .ok()
                }
                _ => Some(propose_here(&self.0.raft, change.clone()).await),
            };
            match answer {
                Some(Answer::Proposed(outcome)) => return outcome,
                Some(Answer::NotLeader(Some(leader))) if Some(NodeId(leader)) != to => {
                    hint = Some(NodeId(leader));
                }
                _ => self.0.env.sleep(PROPOSE_PAUSE).await,
            }
        }
    }

    /// Any other node that may know the leader, a different one each turn.
    fn somebody(&self, turn: usize) -> Option<NodeId> {
        let others = self.others();
        (!others.is_empty())
            .then(|| others.get(turn % others.len()).copied())
            .flatten()
    }

    fn others(&self) -> Vec<NodeId> {
        let map = self.map();
        let mut others: Vec<NodeId> = map
            .nodes
            .iter()
            .filter(|(id, record)| **id != self.0.node.0 && record.state.is_alive())
            .map(|(id, _)| NodeId(*id))
            .collect();
        if others.is_empty() {
            others.extend(self.0.contacts.iter().filter(|id| **id != self.0.node));
        }
        others
    }

    /// Takes no part any more. Other nodes see it as dead.
    pub async fn stop(&self) {
        self.0.disk.stop();
        let _ = self.0.raft.shutdown().await;
        for task in self.0.tasks.lock().drain(..) {
            task.abort();
        }
    }

    pub(crate) fn raft(&self) -> &Raft {
        &self.0.raft
    }
    pub(crate) fn env(&self) -> &Env {
        &self.0.env
    }
    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        &self.0.transport
    }

    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.lock().push(hongyan_env::spawn(task));
    }

    async fn follow_leadership(self, sender: watch::Sender<Leadership>) {
        let mut metrics = self.0.raft.metrics();
        let gauges = crate::reconcile::Gauges::default();
        loop {
            let (leadership, stopped) = {
                let now = metrics.borrow_and_update();
                gauges.show(&now);
                let voters = now.membership_config.membership().voter_ids();
                self.0.heard.see_voters(voters, self.0.env.now_micros());
                let leadership = Leadership {
                    leader: now.current_leader.map(NodeId),
                    term: now.current_term,
                    here: now.current_leader == Some(self.0.node.0) && now.state.is_leader(),
                };
                (leadership, now.running_state.is_err())
            };
            sender.send_if_modified(|known| std::mem::replace(known, leadership) != leadership);
            if stopped || metrics.changed().await.is_err() {
                sender.send_replace(Leadership::default());
                return;
            }
        }
    }

    /// A disk from a backup, or one that was emptied, has forgotten votes and entries that others rely on. Before this node
    /// votes, the others say what they know of it. Who votes alone is asked by nobody. And it does not stand for election
    /// before a leader has had time to find it again: it would depose that.
    async fn earn_trust(self, kept: Kept, listen: Duration) {
        // The metrics say nothing yet of what was read from the disk.
        let read = self.0.raft.with_raft_state(|state| {
            state
                .membership_state
                .effective()
                .voter_ids()
                .collect::<BTreeSet<u64>>()
        });
        let Ok(voters) = read.await else { return };
        let mut others: BTreeSet<NodeId> = voters.iter().copied().map(NodeId).collect();
        if voters.len() != 1 || !voters.contains(&self.0.node.0) {
            others.extend(self.others());
        }
        others.remove(&self.0.node);
        if others.is_empty() {
            // Nobody else could lead.
            if !voters.is_empty() {
                let _ = self.0.raft.trigger().elect().await;
            }
            self.trust();
            self.0.raft.runtime_config().elect(true);
            return;
        }
        let recalled = self.recall(&others).await;
        let known = recalled.values().map(|(lives, _)| *lives).max().unwrap_or(0);
        if known >= self.0.incarnation.number {
            let refusal = Refusal::StaleDisk {
                node: self.0.node.0,
                known,
                shown: self.0.incarnation.number,
            };
            tracing::error!(%refusal, "this node takes no part in the cluster");
            self.0.refusal.send_replace(Some(refusal));
            return;
        }
        let broken = |(_, (_, promise)): &(&NodeId, &(u64, Option<Promise>))| {
            promise.is_some_and(|promise| !promise.is_kept(kept.vote, kept.last))
        };
        if let Some((witness, _)) = recalled.iter().find(broken) {
            return self.0.member.refuse(*witness);
        }
        self.trust();
        if !voters.is_empty() {
            let heard = async {
                while !self.0.heard.is_any() {
                    self.0.env.sleep(LISTEN_PAUSE).await;
                }
            };
            // None: there is no leader, so one is needed.
            let _ = self.0.env.timeout(listen, heard).await;
        }
        if self.0.refusal.borrow().is_none() {
            self.0.raft.runtime_config().elect(true);
        }
    }

    fn trust(&self) {
        if self.0.refusal.borrow().is_some() {
            return;
        }
        self.0.member.trusted.store(true, Ordering::Release);
        self.0.trusted.send_replace(true);
    }

    /// What the others know of this node: how often it was started, and what it has promised. Asks until one answers, and
    /// for a moment more until all do.
    async fn recall(&self, others: &BTreeSet<NodeId>) -> BTreeMap<NodeId, (u64, Option<Promise>)> {
        let mut recalled = BTreeMap::new();
        let mut more = RECALLS;
        while recalled.is_empty() || (recalled.len() < others.len() && more > 0) {
            let asked = others.iter().filter(|id| !recalled.contains_key(*id));
            let calls: Vec<_> = asked
                .map(|to| {
                    let (to, node) = (*to, self.0.node.0);
                    let transport = Arc::clone(&self.0.transport);
                    hongyan_env::spawn(async move { (to, recall(&transport, to, node).await) })
                })
                .collect();
            for call in calls {
                if let Ok((to, Some(known))) = call.await {
                    recalled.insert(to, known);
                }
            }
            if !recalled.is_empty() {
                more -= 1;
            }
            if recalled.len() < others.len() {
                self.0.env.sleep(PROPOSE_PAUSE).await;
            }
        }
        recalled
    }
}

/// What the disk held when it was read.
#[derive(Clone, Copy)]
struct Kept {
    vote: Option<Vote>,
    last: Option<LogId>,
}

impl Kept {
    fn of(found: &Found) -> Self {
        Self {
            vote: found.vote,
            last: found.last(),
        }
    }
}

/// What `to` knows of `node`. One of a release that remembers no promises says how often it was started.
async fn recall(transport: &Arc<dyn Transport>, to: NodeId, node: u64) -> Option<(u64, Option<Promise>)> {
    match ask(transport, to, &Question::Recall(node), PROBE).await.ok()? {
        Answer::Recalled(lives, promise) => Some((lives, promise)),
        _ => match ask(transport, to, &Question::Probe(node), PROBE).await.ok()? {
            Answer::Probed(lives) => Some((lives, None)),
            _ => None,
        },
    }
}

/// Notes on the disk that it was started once more.
async fn begin_life(env: &Env, node: NodeId, disk: &Disk, found: &Found) -> Result<Incarnation, StartError> {
    let incarnation = Incarnation {
        number: lives_of(node, found)? + 1,
        nonce: env.random_u64(),
    };
    let identity = seal(&(node.0, incarnation.number));
    disk.write_once(vec![(store::key(store::IDENTITY), Some(identity))])
        .await
        .map_err(StartError::Store)?;
    Ok(incarnation)
}

/// How often `node` was started on this disk.
fn lives_of(node: NodeId, found: &Found) -> Result<u64, StartError> {
    match found.identity {
        Some((owner, _)) if owner != node.0 => Err(StartError::OtherNode {
            found: owner,
            expected: node.0,
        }),
        Some((_, lives)) => Ok(lives),
        None => Ok(0),
    }
}

fn config(env: &Env, options: &MetadataOptions) -> Result<Config, StartError> {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    // openraft draws its timeout from its own source of randomness; a range of one leaves the choice to ours.
    let base = millis(options.election);
    let election = base + env.random_u64() % (base / 2).max(1);
    Config {
        cluster_name: "hongyan".to_owned(),
        heartbeat_interval: millis(options.heartbeat),
        election_timeout_min: election,
        election_timeout_max: election + 1,
        install_snapshot_timeout: 5_000,
        max_payload_entries: ENTRIES_A_CALL,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(options.snapshot_entries),
        snapshot_max_chunk_size: SNAPSHOT_PIECE_OCTETS,
        max_in_snapshot_log_to_keep: options.kept_entries,
        replication_lag_threshold: options.snapshot_entries * 2,
        enable_elect: false,
        ..Config::default()
    }
    .validate()
    .map_err(|error| StartError::Raft(error.to_string()))
}
