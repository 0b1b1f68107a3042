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

use crate::codec::{decode, encode};
use crate::heard::{Heard, LeaderId};
use crate::machine::Machine;
use crate::types::{Outcome, Raft, Types};
use crate::{Change, NodeState};

/// Where the metadata service answers.
pub const SERVICE: ServiceId = ServiceId::METADATA;

/// How long a member that cannot be reached is left alone.
const PAUSE: Duration = Duration::from_millis(100);

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
}

/// Answers the other members.
pub(crate) struct Member {
    pub(crate) machine: Machine,
    pub(crate) raft: OnceLock<Raft>,
    /// Set when the disk has been found to be this node's newest.
    pub(crate) trusted: std::sync::atomic::AtomicBool,
    pub(crate) env: Env,
    pub(crate) heard: Arc<Heard>,
}

impl Member {
    async fn answer(&self, from: NodeId, question: Question) -> Answer {
        if let Question::Probe(node) = question {
            let map = self.machine.map();
            return Answer::Probed(map.node(NodeId(node)).map_or(0, |record| record.incarnation.number));
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
                let appended = raft.append_entries(request).await;
                appended.map_or(Answer::Absent, Answer::Append)
            }
            Question::Vote(request) => raft.vote(request).await.map_or(Answer::Absent, Answer::Vote),
            Question::Install(request) => Answer::Install(raft.install_snapshot(request).await),
            Question::Propose(change) => propose_here(raft, change).await,
            Question::Silence(term, node) => self.silence(raft, (term, node)).await,
            Question::Probe(_) => Answer::Absent,
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
pub(crate) struct Network(pub(crate) Arc<dyn Transport>);

/// The way to one member.
pub(crate) struct Way {
    transport: Arc<dyn Transport>,
    to: NodeId,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Way;

    async fn new_client(&mut self, target: u64, _node: &()) -> Way {
        Way {
            transport: Arc::clone(&self.0),
            to: NodeId(target),
        }
    }
}

impl Way {
    /// A member that cannot be reached is left alone for a while; waiting long enough for an answer is pause enough. The pause is
    /// made here: openraft's own ends by chance before or after what comes at the same time.
    async fn ask<E: std::error::Error>(
        &self,
        question: Question,
        option: &RPCOption,
    ) -> Result<Answer, RPCError<u64, (), E>> {
        let error = match ask(&self.transport, self.to, &question, option.hard_ttl()).await {
            Ok(Answer::Absent) => CallError::Refused,
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error != CallError::Deadline {
            tokio::time::sleep(PAUSE).await;
        }
        Err(RPCError::Network(NetworkError::new(&error)))
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
        match self.ask(Question::Append(rpc), &option).await? {
            Answer::Append(response) => Ok(response),
            _ => Err(odd()),
        }
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, RPCError<u64, (), RaftError<u64>>> {
        match self.ask(Question::Vote(rpc), &option).await? {
            Answer::Vote(response) => Ok(response),
            _ => Err(odd()),
        }
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        option: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, RPCError<u64, (), RaftError<u64, InstallSnapshotError>>> {
        match self.ask(Question::Install(rpc), &option).await? {
            Answer::Install(Ok(response)) => Ok(response),
            Answer::Install(Err(error)) => Err(RPCError::RemoteError(RemoteError::new(self.to.0, error))),
            _ => Err(odd()),
        }
    }
}
