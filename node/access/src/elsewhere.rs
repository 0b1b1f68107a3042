//! The sessions of the other nodes: listing them, ending them, and telling those nodes that an account has changed.
//!
//! All nodes are asked at once, each for a bounded time. A change of an account needs no answer: the directory's watch
//! reaches every node, and the call only makes it sooner. An operator's wish to end sessions stands nowhere else, so for
//! nodes that did not answer it is left with the directory ([`crate::notice`]), which they read when they can.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use hongyan_env::BoxFuture;
use hongyan_transport::{NodeId, Service, ServiceId, Transport};

use crate::access::Inner;
use crate::notice::{self, Notice};
use crate::wire::{self, Answer, Question, WireSession};
use crate::{Access, AccessError, SessionFilter, SessionId, SessionInfo};

/// Which nodes there are.
type Nodes = dyn Fn() -> Vec<NodeId> + Send + Sync;

/// The way to the other nodes of a cluster.
pub struct Elsewhere {
    transport: Arc<dyn Transport>,
    nodes: Box<Nodes>,
}

impl Elsewhere {
    /// The nodes that `nodes` names, over `transport`. Nodes that may still have sessions belong to them, also when they are
    /// not heard of; this node may be among them.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, nodes: impl Fn() -> Vec<NodeId> + Send + Sync + 'static) -> Self {
        Self {
            transport,
            nodes: Box::new(nodes),
        }
    }
    /// Who this node is.
    pub(crate) fn node(&self) -> NodeId {
        self.transport.node()
    }
    /// Asks all other nodes.
    async fn ask(&self, question: Question, within: Duration) -> Vec<(NodeId, Option<Answer>)> {
        let payload = wire::encode(&question);
        let mut nodes = (self.nodes)();
        nodes.retain(|node| *node != self.node());
        let calls = nodes.into_iter().map(|node| {
            let call = self.transport.call(node, ServiceId::SESSIONS, payload.clone(), within);
            async move {
                let answer = match call.await {
                    Ok(bytes) => wire::decode(&bytes).ok(),
                    Err(error) => {
                        tracing::debug!(%node, %error, "a node does not tell of its sessions");
                        None
                    }
                };
                (node, answer)
            }
        });
        join_all(calls).await
    }
}

/// What was heard of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Everywhere<T> {
    /// What those said that answered.
    pub found: T,
    /// Who did not answer.
    pub silent: Vec<NodeId>,
}

impl Access {
    /// Makes this one node of many, once: it asks the others, and answers them.
    ///
    /// # Panics
    /// When it is one already.
    pub fn join(&self, elsewhere: Elsewhere) {
        let service = SessionService(Arc::downgrade(&self.0));
        elsewhere.transport.serve(ServiceId::SESSIONS, Arc::new(service));
        assert!(self.0.elsewhere.set(elsewhere).is_ok(), "a node joins once");
    }

    /// Sessions of all nodes by name, after `after`, at most `limit`.
    pub async fn sessions_everywhere(
        &self,
        filter: SessionFilter,
        after: Option<SessionId>,
        limit: usize,
    ) -> Everywhere<Vec<SessionInfo>> {
        let mut found = self.sessions(filter, after, limit);
        let question = Question::List {
            filter: filter.into(),
            after: after.map(|after| after.0),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        let mut silent = Vec::new();
        for (node, answer) in self.ask_elsewhere(question).await {
            match answer {
                Some(Answer::Sessions(sessions)) => {
                    found.extend(sessions.into_iter().map(|session| session.on(node)));
                }
                _ => silent.push(node),
            }
        }
        match self.web_sessions(filter, after, limit).await {
            Ok(sessions) => found.extend(sessions.iter().map(SessionInfo::of_web)),
            Err(error) => tracing::warn!(%error, "web sessions are missing in the list"),
        }
        found.sort_unstable_by_key(|session| session.id);
        found.truncate(limit);
        Everywhere { found, silent }
    }

    /// As [`Access::revoke_sessions`], on all nodes. Those that did not answer end them when they are back, unless the store
    /// fails too.
    ///
    /// # Errors
    /// `Directory` when some node neither answered nor was left a note; the call is to be repeated.
    pub async fn revoke_everywhere(&self, filter: SessionFilter) -> Result<Everywhere<usize>, AccessError> {
        let mut found = self.revoke_sessions(filter);
        let question = Question::Revoke { filter: filter.into() };
        let mut silent = Vec::new();
        for (node, answer) in self.ask_elsewhere(question).await {
            match answer {
                Some(Answer::Ended(ended)) => found += usize::try_from(ended).unwrap_or(0),
                _ => silent.push(node),
            }
        }
        if !silent.is_empty() {
            let notice = notice::encode(&Notice::Ended {
                filter,
                nodes: silent.clone(),
            });
            let leave = self.0.directory.announce(async move |change| {
                change.notify(notice.clone());
                Ok(())
            });
            leave.await?;
            tracing::warn!(event = "sessions_revoked_later", ?filter, ?silent);
        }
        // After what is open now: whoever comes back in between finds no session.
        found += self.end_web_sessions(filter).await?;
        Ok(Everywhere { found, silent })
    }

    /// Tells the other nodes to look at the directory now, and gives the number of sessions that ended.
    pub(crate) async fn look_elsewhere(&self) -> usize {
        let mut ended = 0;
        for (_, answer) in self.ask_elsewhere(Question::Look).await {
            if let Some(Answer::Ended(number)) = answer {
                ended += usize::try_from(number).unwrap_or(0);
            }
        }
        ended
    }

    async fn ask_elsewhere(&self, question: Question) -> Vec<(NodeId, Option<Answer>)> {
        match self.0.elsewhere.get() {
            Some(elsewhere) => elsewhere.ask(question, self.0.options.elsewhere_timeout).await,
            None => Vec::new(),
        }
    }
}

/// Answers the other nodes. It does not keep the sessions alive that it tells of.
struct SessionService(Weak<Inner>);

impl Service for SessionService {
    fn call(&self, _: NodeId, payload: Bytes, _: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(async move {
            let answer = match (self.0.upgrade(), wire::decode(&payload)) {
                (Some(inner), Ok(question)) => answer(&Access(inner), question).await,
                (None, _) => Answer::Failed,
                (_, Err(_)) => Answer::Unknown,
            };
            wire::encode(&answer)
        })
    }
}

async fn answer(access: &Access, question: Question) -> Answer {
    let ended = |number: usize| Answer::Ended(u64::try_from(number).unwrap_or(u64::MAX));
    match question {
        Question::Look => match access.look().await {
            Ok((number, _)) => ended(number),
            Err(_) => Answer::Failed,
        },
        Question::List { filter, after, limit } => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let sessions = access.sessions(filter.into(), after.map(SessionId), limit);
            Answer::Sessions(sessions.into_iter().map(WireSession::of).collect())
        }
        Question::Revoke { filter } => ended(access.revoke_sessions(filter.into())),
    }
}
