//! An ask in a cluster: here or there, and again when the entity moved, as long as the asker waits.

use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{Entity, EntityKey, HostError, RequestId, Tenure, Terms};
use hongyan_transport::{CallError, NodeId, ServiceId};

use crate::call::{self, AnswerHead, CallHead};
use crate::kind::{Kind, Wire};
use crate::router::Inner;
use crate::{AskError, Cluster, Located};

/// Hints at the owner that are followed without a pause: one node knows of a move, the next of a second one.
const REDIRECTS_MAX: u32 = 2;

/// One ask on its way.
pub(crate) struct Journey<'a, E: Entity> {
    pub inner: &'a Inner,
    pub cluster: &'a Cluster,
    pub kind: &'a Kind<E>,
    pub wire: &'a Wire<E>,
    pub key: &'a E::Key,
    pub request: E::Request,
    pub id: RequestId,
    pub deadline_micros: u64,
}

/// Why one attempt brought no reply.
enum Missed {
    /// The ask is over.
    Final(AskError),
    /// Another attempt may succeed.
    Again,
    /// The owner is said to be that node.
    Redirected(NodeId),
}

impl<E: Entity> Journey<'_, E> {
    pub(crate) async fn go(self) -> Result<E::Reply, AskError> {
        let placement = &self.cluster.placement;
        let partition = placement.partitions().of_hash(self.key.entity_id().stable_hash());
        let options = &self.cluster.options;
        let mut payload: Option<Bytes> = None;
        let mut redirect = None;
        let mut redirects = 0;
        let mut last = AskError::Deadline;
        let mut pause = options.retry_pause_min;
        loop {
            let moved = self.inner.moved.notified();
            tokio::pin!(moved);
            // Heard from now on, so that a change during the attempt ends the pause after it.
            moved.as_mut().enable();
            let left = self.left().ok_or(last)?;
            let located = match (redirect.take(), placement.locate(partition)) {
                (Some(node), Located::There(_) | Located::Unknown) => Located::There(node),
                (_, located) => located,
            };
            let attempt = match located {
                Located::Here { epoch } => self.ask_here(Tenure { partition, epoch }, left).await,
                Located::There(node) => self.ask_there(node, left, &mut payload).await,
                Located::Unknown => Err(Missed::Again),
            };
            match attempt {
                Ok(reply) => {
                    // Another owner may have gone on meanwhile: what this one knows may be old by now.
                    if !matches!(located, Located::Here { .. }) || placement.locate(partition) == located {
                        return Ok(reply);
                    }
                    continue;
                }
                Err(Missed::Final(error)) => return Err(error),
                Err(Missed::Redirected(node)) if redirects < REDIRECTS_MAX && node != self.cluster.transport.node() => {
                    redirects += 1;
                    redirect = Some(node);
                    continue;
                }
                Err(Missed::Again | Missed::Redirected(_)) => {}
            }
            self.inner.retries.with_label_values(&[E::Key::KIND]).inc();
            last = AskError::Unavailable;
            redirects = 0;
            let wait = pause.min(self.left().ok_or(last)?);
            let _ = self.inner.env.timeout(wait, moved).await;
            pause = (pause * 2).min(options.retry_pause_max);
        }
    }
    fn left(&self) -> Option<Duration> {
        let left = self.deadline_micros.checked_sub(self.inner.env.now_micros())?;
        (left > 0).then(|| Duration::from_micros(left))
    }
    async fn ask_here(&self, tenure: Tenure, within: Duration) -> Result<E::Reply, Missed> {
        let terms = Terms {
            id: self.id,
            tenure,
            within,
        };
        let request = (self.wire.copy)(&self.request);
        let reply = self.kind.host.ask(self.key, request, &terms).await;
        reply.map_err(|error| match error {
            HostError::Unavailable => Missed::Again,
            HostError::Overloaded | HostError::Deadline => Missed::Final(error.into()),
        })
    }
    async fn ask_there(&self, node: NodeId, within: Duration, payload: &mut Option<Bytes>) -> Result<E::Reply, Missed> {
        let payload = match payload {
            Some(payload) => payload.clone(),
            None => payload.insert(self.encode()?).clone(),
        };
        let transport = &self.cluster.transport;
        let start = self.inner.env.now_micros();
        let called = transport.call(node, ServiceId::ENTITIES, payload, within).await;
        let answer = called.map_err(|error| match error {
            // Whether it had its effect is unknown; the id makes a repeat safe.
            CallError::Unreachable | CallError::Refused => Missed::Again,
            CallError::Deadline => Missed::Final(AskError::Deadline),
            CallError::Overloaded => Missed::Final(AskError::Overloaded),
            CallError::TooLarge => {
                tracing::error!(
                    kind = E::Key::KIND,
                    "a request or its reply is too large for another node"
                );
                Missed::Final(AskError::Unavailable)
            }
        })?;
        let seconds = Duration::from_micros(self.inner.env.now_micros().saturating_sub(start)).as_secs_f64();
        self.inner
            .remote_seconds
            .with_label_values(&[E::Key::KIND])
            .observe(seconds);
        let (head, body) = call::decode(answer).ok_or_else(not_understood::<E>)?;
        match head {
            AnswerHead::Done => {
                let read = (self.wire.decode_reply)(self.kind.host.services(), &self.request, body);
                read.map_err(|_| not_understood::<E>())
            }
            AnswerHead::Moved(Some(owner)) => Err(Missed::Redirected(NodeId(owner))),
            AnswerHead::Moved(None) | AnswerHead::Unavailable | AnswerHead::NotServed => Err(Missed::Again),
            AnswerHead::Overloaded => Err(Missed::Final(AskError::Overloaded)),
            AnswerHead::Deadline => Err(Missed::Final(AskError::Deadline)),
        }
    }
    fn encode(&self) -> Result<Bytes, Missed> {
        let refuse = |text: String| {
            tracing::error!(kind = E::Key::KIND, error = text, "a request cannot leave this node");
            Missed::Final(AskError::Unavailable)
        };
        let request = (self.wire.encode_request)(self.kind.host.services(), &self.request);
        let request = request.map_err(|error| refuse(error.to_string()))?;
        let mut key = Vec::new();
        self.key.write(&mut key);
        let head = CallHead::V1 {
            kind: E::Key::KIND.to_owned(),
            key,
            id: self.id.0,
        };
        call::encode(&head, &request).map_err(|error| refuse(error.to_string()))
    }
}

/// The effect is there, but its reply cannot be read: a repeat would not help.
fn not_understood<E: Entity>() -> Missed {
    tracing::error!(kind = E::Key::KIND, "the answer of another node is not understood");
    Missed::Final(AskError::Unavailable)
}
