//! What the leader does: acknowledges heartbeats, declares deaths, plans moves.
//!
//! A heartbeat is acknowledged only after this node has confirmed, with a majority, that it still led after the heartbeat
//! arrived. So every lease counts from before any later leader was elected, and that one's wait before it judges
//! outlasts it. A node about to be declared dead gets no acknowledgement any more, nor does one without the data store
//! while another has it ([`Able`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hongyan_env::Env;
use hongyan_metadata::{Assignment, Change, ClusterMap, Hand, Incarnation, Metadata, NodeState, ProposeError};
use hongyan_placement::{Availability, Cause, Limits, Move, Node, misplaced, plan};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::able::Able;
use crate::membership::Inner;
use crate::service::{Answer, Beat};
use crate::settings::{self, Rebalance, preference};
use crate::{MembershipOptions, NodeId};

const PROPOSE_WITHIN: Duration = Duration::from_secs(2);
/// Assignments in one change: bounds the size of a log entry.
const ASSIGNMENTS_AT_ONCE: usize = 4096;
/// Least time between two confirmations: more heartbeats share one.
const CONFIRM_PAUSE: Duration = Duration::from_millis(5);
const SWEEP_EVERY: Duration = Duration::from_secs(60);

pub(crate) struct Controller {
    env: Env,
    metadata: Metadata,
    options: MembershipOptions,
    state: Mutex<State>,
    beats: Notify,
}

#[derive(Default)]
struct State {
    /// The term in which this node leads; all below is of this term.
    term: Option<u64>,
    since_micros: u64,
    /// Since when no earlier leader has acknowledged a heartbeat.
    alone_since_micros: u64,
    /// The last heartbeat of each that counted.
    heard: BTreeMap<(u64, Incarnation), u64>,
    able: Able,
    /// Nodes for whose death a change is on its way: no acknowledgement until the map has decided.
    failing: BTreeMap<u64, Incarnation>,
    waiting: Vec<Waiting>,
    /// When each planned move was first seen.
    moves_seen: BTreeMap<(u16, u64), u64>,
    swept_micros: u64,
}

struct Waiting {
    from: NodeId,
    beat: Beat,
    answer: oneshot::Sender<Answer>,
}

impl Controller {
    pub(crate) fn new(env: Env, metadata: Metadata, options: MembershipOptions) -> Self {
        Self {
            env,
            metadata,
            options,
            state: Mutex::default(),
            beats: Notify::new(),
        }
    }

    /// Answers a heartbeat once it is known whether this node still leads.
    pub(crate) async fn beat(&self, from: NodeId, beat: Beat, is_able: bool) -> Answer {
        if !self.metadata.leadership().borrow().here {
            return Answer::NotLeader;
        }
        let (answer, receiver) = oneshot::channel();
        {
            let now = self.env.now_micros();
            let map = self.metadata.map();
            let may_follow = |(node, incarnation): &(u64, Incarnation)| {
                let record = map.nodes.get(node);
                record.is_some_and(|record| record.state == NodeState::Up && record.incarnation == *incarnation)
            };
            let process = (from.0, beat.incarnation);
            let mut state = self.state.lock();
            // Who could follow but has fallen silent for as long as a lease may be dead itself.
            let counts = state
                .able
                .hear(process, is_able, now, micros(self.options.lease), may_follow);
            if !counts {
                return Answer::NotAlive;
            }
            state.heard.insert(process, now);
            state.waiting.push(Waiting { from, beat, answer });
        }
        self.beats.notify_one();
        receiver.await.unwrap_or(Answer::NotLeader)
    }

    /// Notices a change of leader. Gives the term in which this node leads, if it does, and whether it is new.
    fn lead(&self) -> Option<(u64, bool)> {
        let leadership = *self.metadata.leadership().borrow();
        let now = self.env.now_micros();
        let mut state = self.state.lock();
        let term = leadership.here.then_some(leadership.term);
        let is_new = state.term != term;
        if is_new {
            // What this node heard as a leader before says nothing of what others acknowledged since.
            let waiting = std::mem::take(&mut state.waiting);
            *state = State {
                term,
                since_micros: now,
                alone_since_micros: now,
                waiting,
                swept_micros: now,
                ..State::default()
            };
        }
        term.map(|term| (term, is_new))
    }

    /// The nodes that the leader before has answered for have their time from when it last did: those that are dead by then
    /// need not be waited for once more.
    async fn begin(&self, term: u64, map: &ClusterMap) {
        let last = self.metadata.last_confirmed_before(self.options.death).await;
        let mut state = self.state.lock();
        if state.term != Some(term) {
            return;
        }
        let since = last.unwrap_or(state.since_micros).min(state.since_micros);
        state.alone_since_micros = since;
        for (node, record) in map.nodes.iter().filter(|(_, record)| record.state.is_alive()) {
            state.heard.entry((*node, record.incarnation)).or_insert(since);
        }
    }

    /// Whether this leader may say who is dead: all that earlier leaders acknowledged has ended, and who lives has had time
    /// to find this one.
    fn may_judge(&self) -> bool {
        let now = self.env.now_micros();
        let state = self.state.lock();
        let alone = now.saturating_sub(state.alone_since_micros);
        let led = now.saturating_sub(state.since_micros);
        alone >= micros(self.options.death) && led >= micros(self.options.arrive)
    }

    /// Until the next look: sooner than usual when somebody may be dead before.
    fn pause(&self) -> Duration {
        let now = self.env.now_micros();
        let state = self.state.lock();
        let missed = state
            .heard
            .iter()
            .filter(|((node, _), _)| !state.failing.contains_key(node));
        let due = missed.map(|(_, heard)| heard.saturating_add(micros(self.options.death)));
        let judging = state.since_micros.saturating_add(micros(self.options.arrive));
        let due = due.map(|due| due.max(judging)).filter(|due| *due > now).min();
        let left = due.map_or(Duration::MAX, |due| Duration::from_micros(due - now));
        left.min(self.options.control)
    }

    fn acknowledge(&self, waiting: Vec<Waiting>, leads: bool, map: &ClusterMap) {
        let state = self.state.lock();
        for Waiting { from, beat, answer } in waiting {
            let alive = map.node(from).is_some_and(|record| {
                record.incarnation == beat.incarnation && record.state.is_alive() && record.revoked <= beat.version
            });
            let answered = if !leads {
                Answer::NotLeader
            } else if alive && !state.failing.contains_key(&from.0) {
                Answer::Alive
            } else {
                Answer::NotAlive
            };
            let _ = answer.send(answered);
        }
    }

    /// Those whom the map believes alive and nobody has heard of, or not what counts; marks them, so that they get no acknowledgement.
    fn dead(&self, map: &ClusterMap) -> BTreeMap<u64, Incarnation> {
        let now = self.env.now_micros();
        let death = micros(self.options.death);
        let mut state = self.state.lock();
        // The map has decided about those that it does not show alive as that process any more.
        let is_open = |node: &u64, incarnation: &Incarnation| {
            map.nodes
                .get(node)
                .is_some_and(|record| record.state.is_alive() && record.incarnation == *incarnation)
        };
        state.failing.retain(|node, incarnation| is_open(node, incarnation));
        state.heard.retain(|(node, incarnation), _| is_open(node, incarnation));
        state.able.retain(|(node, incarnation)| is_open(node, incarnation));
        for (node, record) in &map.nodes {
            if record.state.is_alive() {
                // Who has just arrived, or was heard by another leader, gets its time to be heard.
                let heard = *state.heard.entry((*node, record.incarnation)).or_insert(now);
                if now.saturating_sub(heard) >= death {
                    state.failing.insert(*node, record.incarnation);
                }
            }
        }
        state.failing.clone()
    }

    /// The nodes as placement is to see them: those without the data store are given nothing.
    fn placement_nodes(&self, map: &ClusterMap) -> (Vec<Node>, BTreeSet<u64>) {
        let without = self.state.lock().able.without();
        let mut nodes = map.placement_nodes();
        for node in nodes.iter_mut().filter(|node| without.contains(&node.id.0)) {
            node.availability = Availability::Gone;
        }
        (nodes, without)
    }

    /// The nodes to which something may be moved: while the store is away for all, a move would only make its partition wait.
    fn able(&self) -> BTreeSet<u64> {
        let now = self.env.now_micros();
        self.state.lock().able.with(now, micros(self.options.lease))
    }

    /// Planned moves that take too long.
    fn overdue(&self, map: &ClusterMap) -> Vec<Hand> {
        let now = self.env.now_micros();
        let mut state = self.state.lock();
        let mut seen = BTreeMap::new();
        let mut overdue = Vec::new();
        for (partition, slot) in (0_u16..=u16::MAX).zip(&map.partitions) {
            let Some(next) = slot.next else { continue };
            let since = state.moves_seen.get(&(partition, next.begun)).copied().unwrap_or(now);
            seen.insert((partition, next.begun), since);
            if now.saturating_sub(since) >= micros(self.options.move_within) {
                overdue.push(Hand {
                    partition,
                    epoch: slot.epoch,
                    begun: next.begun,
                });
            }
        }
        state.moves_seen = seen;
        overdue
    }

    fn is_sweep_due(&self, map: &ClusterMap) -> bool {
        let now = self.env.now_micros();
        let mut state = self.state.lock();
        let due = now.saturating_sub(state.swept_micros) >= micros(SWEEP_EVERY);
        if due {
            state.swept_micros = now;
        }
        due && !map.tokens.is_empty()
    }

    fn limits(&self, map: &ClusterMap) -> Limits {
        Limits {
            moves_at_once: settings::moves_at_once(map).unwrap_or(self.options.moves_at_once),
            rebalance: Rebalance::of(map) != Rebalance::Manual,
        }
    }
}

/// Confirms leadership for all heartbeats that wait, again and again.
pub(crate) async fn confirm_beats(inner: Arc<Inner>) {
    let controller = &inner.controller;
    loop {
        controller.beats.notified().await;
        loop {
            let waiting = std::mem::take(&mut controller.state.lock().waiting);
            if waiting.is_empty() {
                break;
            }
            let leads = controller.metadata.confirm_leadership().await;
            let map = controller.metadata.map();
            controller.acknowledge(waiting, leads, &map);
            controller.env.sleep(CONFIRM_PAUSE).await;
        }
    }
}

/// The controller's rounds.
pub(crate) async fn control(inner: Arc<Inner>) {
    let controller = &inner.controller;
    let mut map = controller.metadata.watch();
    loop {
        let present = Arc::clone(&map.borrow_and_update());
        if let Some((term, is_new)) = controller.lead()
            && present.is_founded()
        {
            if is_new {
                controller.begin(term, &present).await;
            }
            round(&inner, &present, controller.may_judge()).await;
        }
        let _ = controller.env.timeout(controller.pause(), map.changed()).await;
    }
}

async fn round(inner: &Inner, map: &ClusterMap, may_judge: bool) {
    let controller = &inner.controller;
    let dead = controller.dead(map);
    if may_judge && !dead.is_empty() {
        return bury(inner, map, dead).await;
    }
    let (nodes, without) = controller.placement_nodes(map);
    let mut moves = plan(&map.placement_slots(), &nodes, &preference(map), controller.limits(map));
    // What those without the store have stays theirs until they are taken for dead: they may hold a lease.
    moves.retain(|step| step.from.is_none_or(|from| !without.contains(&from.0)));
    let (unserved, planned): (Vec<Move>, Vec<Move>) = moves.into_iter().partition(|step| step.cause == Cause::Unserved);
    for part in assignments(map, &unserved).chunks(ASSIGNMENTS_AT_ONCE) {
        propose(inner, Change::Assign(part.to_vec())).await;
    }
    let able = controller.able();
    let (planned, waiting): (Vec<Move>, Vec<Move>) = planned.into_iter().partition(|step| able.contains(&step.to.0));
    let planned = assignments(map, &planned);
    if !planned.is_empty() {
        propose(inner, Change::Prepare(planned)).await;
    } else if waiting.is_empty() && is_once_done(map) {
        // Unless the operator has said something else meanwhile.
        let done = Change::Replace {
            key: settings::REBALANCE.to_owned(),
            present: Rebalance::Once.name().to_owned(),
            value: Rebalance::Manual.name().to_owned(),
        };
        if propose(inner, done).await {
            tracing::info!("every partition is where it belongs");
        }
    }
    let overdue = controller.overdue(map);
    if !overdue.is_empty() {
        tracing::warn!(
            moves = overdue.len(),
            "planned moves take too long and are planned anew"
        );
        propose(inner, Change::Abandon(overdue)).await;
    }
    if controller.is_sweep_due(map) {
        let now_millis = controller.env.wall_millis();
        propose(inner, Change::Sweep { now_millis }).await;
    }
}

/// Whether all is done that [`Rebalance::Once`] asked for.
fn is_once_done(map: &ClusterMap) -> bool {
    Rebalance::of(map) == Rebalance::Once
        && map.partitions.iter().all(|slot| slot.next.is_none())
        && misplaced(&map.placement_slots(), &map.placement_nodes(), &preference(map)) == 0
}

/// Gives the partitions of dead nodes to the living.
async fn bury(inner: &Inner, map: &ClusterMap, dead: BTreeMap<u64, Incarnation>) {
    let (mut nodes, without) = inner.controller.placement_nodes(map);
    for node in &mut nodes {
        if dead.contains_key(&node.id.0) {
            node.availability = Availability::Gone;
        }
    }
    let moves = plan(
        &map.placement_slots(),
        &nodes,
        &preference(map),
        inner.controller.limits(map),
    );
    let owners: BTreeSet<u64> = dead.keys().copied().collect();
    for (node, incarnation) in dead {
        let ours: Vec<Move> = moves
            .iter()
            .filter(|step| step.from == Some(NodeId(node)))
            .copied()
            .collect();
        let mut assignments = assignments(map, &ours);
        assignments.truncate(ASSIGNMENTS_AT_ONCE);
        tracing::warn!(
            node,
            partitions = assignments.len(),
            dead = owners.len(),
            without_store = without.contains(&node),
            "node is silent, or without the data store, and taken for dead"
        );
        let fail = Change::Fail {
            node,
            incarnation,
            assignments,
        };
        if propose(inner, fail).await {
            inner.metrics.deaths.inc();
        }
    }
}

fn assignments(map: &ClusterMap, moves: &[Move]) -> Vec<Assignment> {
    let assignment = |step: &Move| Assignment {
        partition: step.partition.0,
        epoch: map.ownership(step.partition).epoch,
        to: step.to.0,
    };
    moves.iter().map(assignment).collect()
}

/// Whether it was made. What was not is planned again from the map as it then is.
async fn propose(inner: &Inner, change: Change) -> bool {
    match inner.controller.metadata.propose(change, PROPOSE_WITHIN).await {
        Ok(_) => true,
        Err(ProposeError::Refused(refusal)) => {
            tracing::debug!(%refusal, "the map has changed in between");
            false
        }
        Err(ProposeError::NoLeader) => false,
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
