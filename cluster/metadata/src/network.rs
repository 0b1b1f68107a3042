//! What Raft's members say to each other, over the transport: service 1.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use hongyan_placement::NodeId;
use hongyan_transport::{CallError, Service, ServiceId, Transport};
use openraft::error::{InstallSnapshotError, NetworkError, RPCError, RaftError, RemoteError, Unreachable};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse, VoteRequest,
    VoteResponse,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::codec::{decode, encode};
use crate::heard::{Heard, LeaderId};
use crate::machine::Machine;
use crate::types::{LogId, Outcome, Raft, Types, Vote};
use crate::witness::{Promise, Witness};
use crate::{Change, NodeState, Refusal};

/// Where the metadata service answers.
pub const SERVICE: ServiceId = ServiceId::METADATA;

/// How long a member that cannot be reached is left alone.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a successor stands for election, and the pause after each time.
const STANDS_MAX: u32 = 20;
const STAND_PAUSE: Duration = Duration::from_millis(50);

/// What one member asks of another. Sent between releases: variants are added at the end.
#[derive(Serialize, Deserialize)]
pub(crate) enum Question {
    Append(AppendEntriesRequest<Types>),
    Vote(VoteRequest<u64>),
    Install(InstallSnapshotRequest<Types>),
    Propose(Change),
    /// How often has this node been started, as far as you know?
    Probe(u64),
    /// I lead in this term as this node: how long have you heard none of the leaders before me? Unknown to the first release.
    Silence(u64, u64),
    /// As `Probe`, and what has it promised to you?
    Recall(u64),
    /// You have promised this to me, and your disk does not keep it.
    Forgot(Promise),
    /// I lead and am about to end: stand for election until somebody else leads. Unknown to the first release.
    Succeed,
}

/// The answer to the question of the same name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Append(AppendEntriesResponse<u64>),
    Vote(VoteResponse<u64>),
    Install(Result<InstallSnapshotResponse<u64>, RaftError<u64, InstallSnapshotError>>),
    Proposed(Outcome),
    /// Ask the leader, if known.
    NotLeader(Option<u64>),
    Probed(u64),
    /// Takes no part at the moment.
    Absent,
    /// For so many microseconds.
    Silent(u64),
    Recalled(u64, Option<Promise>),
    /// Somebody else leads now.
    Succeeded,
}

/// Answers the other members.
pub(crate) struct Member {
    pub(crate) node: NodeId,
    pub(crate) machine: Machine,
    pub(crate) raft: OnceLock<Raft>,
    /// Set when the disk has been found to be this node's newest.
    pub(crate) trusted: std::sync::atomic::AtomicBool,
    pub(crate) env: Env,
    pub(crate) heard: Arc<Heard>,
    pub(crate) refusal: watch::Sender<Option<Refusal>>,
    pub(crate) witness: Arc<Witness>,
}

impl Member {
    async fn answer(&self, from: NodeId, question: Question) -> Answer {
        match question {
            Question::Probe(node) => return Answer::Probed(self.lives_of(NodeId(node))),
            Question::Recall(node) => {
                let node = NodeId(node);
                return Answer::Recalled(self.lives_of(node), self.witness.of(node));
            }
            Question::Forgot(_) => {
                self.refuse(from);
                return Answer::Absent;
            }
            _ => {}
        }
        let left = self
            .machine
            .map()
            .node(from)
            .is_some_and(|record| record.state == NodeState::Left);
        let trusted = self.trusted.load(std::sync::atomic::Ordering::Acquire);
        // Who left is told so by the map when it comes again, and has no other say.
        let stranger = left && !matches!(question, Question::Propose(Change::Arrive(_)));
        let Some(raft) = self.raft.get().filter(|_| trusted && !stranger) else {
            return Answer::Absent;
        };
        match question {
            Question::Append(request) => {
                let leader = request.vote.leader_id();
                self.heard.hear((leader.term, leader.node_id), self.env.now_micros());
                // What a leader sends, its own disk has.
                self.witness.note(from, &request.vote, end_of(&request));
                let appended = raft.append_entries(request).await;
                appended.map_or(Answer::Absent, Answer::Append)
            }
            Question::Vote(request) => raft.vote(request).await.map_or(Answer::Absent, Answer::Vote),
            Question::Install(request) => Answer::Install(raft.install_snapshot(request).await),
            Question::Propose(change) => propose_here(raft, change).await,
            Question::Silence(term, node) => self.silence(raft, (term, node)).await,
            Question::Succeed => succeed(raft, from).await,
            Question::Probe(_) | Question::Recall(_) | Question::Forgot(_) => Answer::Absent,
        }
    }
    /// From the moment on at which it follows this leader, no earlier one gets an answer that counts.
    async fn silence(&self, raft: &Raft, leader: LeaderId) -> Answer {
        let voted = raft.with_raft_state(|state| {
            let leader = state.vote_ref().leader_id();
            (leader.term, leader.node_id)
        });
        match voted.await {
            Ok(voted) if voted >= leader => {
                let silent = self.env.now_micros().saturating_sub(self.heard.before(leader));
                Answer::Silent(silent)
            }
            _ => Answer::Absent,
        }
    }

    fn lives_of(&self, node: NodeId) -> u64 {
        let map = self.machine.map();
        map.node(node).map_or(0, |record| record.incarnation.number)
    }

    /// Takes no part any more: `witness` has found that this disk is not what it was.
    pub(crate) fn refuse(&self, witness: NodeId) {
        self.trusted.store(false, std::sync::atomic::Ordering::Release);
        if let Some(raft) = self.raft.get() {
            raft.runtime_config().elect(false);
        }
        let refusal = Refusal::ForgetfulDisk {
            node: self.node.0,
            witness: witness.0,
        };
        tracing::error!(%refusal, "this node takes no part in the cluster");
        self.refusal.send_replace(Some(refusal));
    }
}

/// Where the log ends that this request extends.
fn end_of(request: &AppendEntriesRequest<Types>) -> Option<LogId> {
    request
        .entries
        .last()
        .map_or(request.prev_log_id, |entry| Some(entry.log_id))
}

/// Stands for election again and again: the other voters stay faithful for a moment to a leader that they have just heard.
async fn succeed(raft: &Raft, from: NodeId) -> Answer {
    for _ in 0..STANDS_MAX {
        let (leader, is_voter) = {
            let metrics = raft.metrics();
            let metrics = metrics.borrow();
            let membership = metrics.membership_config.membership();
            let is_voter = membership.voter_ids().any(|voter| voter == metrics.id);
            (metrics.current_leader, is_voter)
        };
        if leader.is_some_and(|leader| leader != from.0) {
            return Answer::Succeeded;
        }
        if !is_voter || raft.trigger().elect().await.is_err() {
            break;
        }
        tokio::time::sleep(STAND_PAUSE).await;
    }
    Answer::Absent
}

/// Makes the change if this node leads.
pub(crate) async fn propose_here(raft: &Raft, change: Change) -> Answer {
    match raft.client_write(change).await {
        Ok(written) => Answer::Proposed(written.data),
        Err(error) => match error.forward_to_leader::<()>() {
            Some(forward) => Answer::NotLeader(forward.leader_id),
            None => Answer::Absent,
        },
    }
}

impl Service for Member {
    fn call(&self, from: NodeId, payload: Bytes, _within: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(async move {
            let answer = match decode(&payload) {
                Ok(question) => self.answer(from, question).await,
                Err(error) => {
                    tracing::warn!(%from, %error, "a member's question cannot be read");
                    Answer::Absent
                }
            };
            encode(&answer).into()
        })
    }
}

/// Asks one member.
pub(crate) async fn ask(
    transport: &Arc<dyn Transport>,
    to: NodeId,
    question: &Question,
    within: Duration,
) -> Result<Answer, CallError> {
    let payload = encode(question).into();
    let reply = transport.call(to, SERVICE, payload, within).await?;
    decode(&reply).map_err(|_| CallError::Refused)
}

/// Makes the ways to members.
pub(crate) struct Network {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) witness: Arc<Witness>,
}

/// The way to one member.
pub(crate) struct Way {
    transport: Arc<dyn Transport>,
    witness: Arc<Witness>,
    to: NodeId,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Way;

    async fn new_client(&mut self, target: u64, _node: &()) -> Way {
        Way {
            transport: Arc::clone(&self.transport),
            witness: Arc::clone(&self.witness),
            to: NodeId(target),
        }
    }
}

impl Way {
    /// A member that cannot be reached is left alone for a while; waiting long enough for an answer is pause enough. The pause is
    /// made here: openraft's own ends by chance before or after what comes at the same time. It ends before openraft gives
    /// the call up, which would take a member that cannot be reached for one that is slow.
    async fn ask<E: std::error::Error>(
        &self,
        question: Question,
        option: &RPCOption,
    ) -> Result<Answer, RPCError<u64, (), E>> {
        let mut given_up = std::pin::pin!(tokio::time::sleep(option.soft_ttl()));
        let error = match ask(&self.transport, self.to, &question, option.hard_ttl()).await {
            Ok(Answer::Absent) => CallError::Refused,
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error != CallError::Deadline {
            tokio::select! {
                biased;
                () = &mut given_up => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Err(RPCError::Network(NetworkError::new(&error)))
    }

    /// Whether the member's disk must have its log up to `prev`: then it cannot be in conflict there.
    fn has(&self, vote: &Vote, prev: Option<LogId>) -> Option<Promise> {
        let promise = self.witness.of(self.to)?;
        (promise.leader == vote.leader_id && promise.log >= prev).then_some(promise)
    }

    /// Tells a member that its disk is not what it was. openraft takes such a thing for a mistake of its own and ends.
    async fn accuse<E: std::error::Error>(&self, promise: Promise, option: &RPCOption) -> RPCError<u64, (), E> {
        tracing::error!(node = %self.to, "a node's disk has lost changes that it acknowledged: it is told to take no part");
        let question = Question::Forgot(promise);
        match self.ask(question, option).await {
            Err(error) => error,
            Ok(_) => RPCError::Network(NetworkError::new(&CallError::Refused)),
        }
    }
}

/// An answer to another question is a member's mistake.
fn odd<E: std::error::Error>() -> RPCError<u64, (), E> {
    RPCError::Unreachable(Unreachable::new(&CallError::Refused))
}

impl RaftNetwork<Types> for Way {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, RPCError<u64, (), RaftError<u64>>> {
        let (vote, prev, end) = (rpc.vote, rpc.prev_log_id, end_of(&rpc));
        // As it was before the question: what comes meanwhile by another way proves nothing.
        let has = self.has(&vote, prev);
        match self.ask(Question::Append(rpc), &option).await? {
            Answer::Append(response) => {
                match (&response, has) {
                    (AppendEntriesResponse::Success, _) => self.witness.note(self.to, &vote, end),
                    (AppendEntriesResponse::PartialSuccess(log), _) => self.witness.note(self.to, &vote, *log),
                    (AppendEntriesResponse::Conflict, Some(promise)) => {
                        return Err(self.accuse(promise, &option).await);
                    }
                    _ => {}
                }
                Ok(response)
            }
            _ => Err(odd()),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, RPCError<u64, (), RaftError<u64>>> {
        let vote = rpc.vote;
        match self.ask(Question::Vote(rpc), &option).await? {
            Answer::Vote(response) => {
                if response.vote_granted {
                    self.witness.note(self.to, &vote, None);
                }
                Ok(response)
            }
            _ => Err(odd()),
        }
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, RPCError<u64, (), RaftError<u64, InstallSnapshotError>>> {
        let (vote, end) = (rpc.vote, rpc.meta.last_log_id.filter(|_| rpc.done));
        match self.ask(Question::Install(rpc), &option).await? {
            Answer::Install(Ok(response)) => {
                if response.vote == vote {
                    self.witness.note(self.to, &vote, end);
                }
                Ok(response)
            }
            Answer::Install(Err(error)) => Err(RPCError::RemoteError(RemoteError::new(self.to.0, error))),
            _ => Err(odd()),
        }
    }
}
