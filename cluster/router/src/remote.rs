//! An ask in a cluster: here or there, and again when the entity moved, as long as the asker waits.

use std::time::Duration;

use bytes::Bytes;
use hongyan_actor::{Entity, EntityKey, HostError, Older, RequestId, Tenure, Terms};
use hongyan_placement::Partition;
use hongyan_transport::{CallError, NodeId, ServiceId, Stream, codec};

use crate::call::{self, AnswerHead, CallHead};
use crate::kind::{Kind, ReplyGather, Wire};
use crate::large::{self, Broken, CALL_OCTETS_MAX, LargeHead, Messages};
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
    /// Another attempt may succeed; why this one did not.
    Again(&'static str),
    /// The owner is said to be that node.
    Redirected(NodeId),
    /// A node of another release does not understand the request, and has not begun it.
    NotUnderstood,
    /// No call carries the request or its reply.
    Large,
}

impl<E: Entity> Journey<'_, E> {
    pub(crate) async fn go(self) -> Result<E::Reply, AskError> {
        let placement = &self.cluster.placement;
        let partition = placement.partitions().of_hash(self.key.entity_id().stable_hash());
        let options = &self.cluster.options;
        let mut encoded = None;
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
            let known = placement.locate(partition);
            let located = match (redirect.take(), known) {
                (Some(node), Located::There(_) | Located::Unknown) => Located::There(node),
                (_, located) => located,
            };
            let attempt = match located {
                Located::Here { epoch } => self.ask_here(Tenure { partition, epoch }, left).await,
                Located::There(node) => {
                    let asked = self.ask_there(node, left, &mut encoded);
                    self.unless_moved(partition, known, asked).await
                }
                Located::Unknown => Err(Missed::Again("no_owner")),
            };
            let reason = match attempt {
                Ok(reply) => {
                    // Another owner may have gone on meanwhile: what this one knows may be old by now.
                    if !matches!(located, Located::Here { .. }) || placement.locate(partition) == located {
                        return Ok(reply);
                    }
                    self.count_retry("moved");
                    continue;
                }
                Err(Missed::Final(error)) => return Err(error),
                Err(Missed::Redirected(node)) if redirects < REDIRECTS_MAX && node != self.cluster.transport.node() => {
                    redirects += 1;
                    redirect = Some(node);
                    self.count_retry("moved");
                    continue;
                }
                Err(Missed::Redirected(_)) => "moved",
                Err(Missed::Large) => "large",
                Err(Missed::NotUnderstood) => "not_served",
                Err(Missed::Again(reason)) => reason,
            };
            self.count_retry(reason);
            last = AskError::Unavailable;
            redirects = 0;
            let wait = pause.min(self.left().ok_or(last)?);
            let _ = self.inner.env.timeout(wait, moved).await;
            pause = (pause * 2).min(options.retry_pause_max);
        }
    }
    fn count_retry(&self, reason: &str) {
        self.inner.retries.with_label_values(&[E::Key::KIND, reason]).inc();
    }
    fn left(&self) -> Option<Duration> {
        let left = self.deadline_micros.checked_sub(self.inner.env.now_micros())?;
        (left > 0).then(|| Duration::from_micros(left))
    }
    /// Waits for the reply of a node no longer than it owns the entity: one that stands still neither answers nor hangs up, and
    /// who owns the entity by now does.
    async fn unless_moved(
        &self,
        partition: Partition,
        known: Located,
        asked: impl Future<Output = Result<E::Reply, Missed>>,
    ) -> Result<E::Reply, Missed> {
        tokio::pin!(asked);
        loop {
            let moved = self.inner.moved.notified();
            tokio::pin!(moved);
            // Heard from before the look on.
            moved.as_mut().enable();
            let now = self.cluster.placement.locate(partition);
            if now != known && now != Located::Unknown {
                return Err(Missed::Again("moved"));
            }
            tokio::select! {
                biased;
                reply = &mut asked => return reply,
                () = moved => {}
            }
        }
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
            HostError::Unavailable => Missed::Again("unavailable"),
            HostError::Overloaded | HostError::Deadline => Missed::Final(error.into()),
        })
    }
    async fn ask_there(
        &self,
        node: NodeId,
        within: Duration,
        request: &mut Option<Vec<Bytes>>,
    ) -> Result<E::Reply, Missed> {
        let pieces = match request {
            Some(pieces) => pieces,
            None => request.insert(self.encode()?),
        };
        let start = self.inner.env.now_micros();
        let mut reply = self.send(node, within, pieces).await;
        let mut age = 0;
        while matches!(reply, Err(Missed::NotUnderstood)) {
            age += 1;
            let older = (self.wire.older)(self.kind.host.services(), &self.request, age);
            match older.map_err(|error| refuse::<E>(&error.to_string()))? {
                Older::Words(pieces) => {
                    let left = self.left().ok_or(Missed::Final(AskError::Deadline))?;
                    reply = self.send(node, left, &pieces).await;
                }
                Older::Reply(taken) => reply = Ok(taken),
                Older::Nothing => break,
            }
        }
        let reply = reply?;
        let seconds = Duration::from_micros(self.inner.env.now_micros().saturating_sub(start)).as_secs_f64();
        self.inner
            .remote_seconds
            .with_label_values(&[E::Key::KIND])
            .observe(seconds);
        Ok(reply)
    }
    /// By a call, or by a stream where none carries the request or its reply.
    async fn send(&self, node: NodeId, within: Duration, pieces: &[Bytes]) -> Result<E::Reply, Missed> {
        let attempt = match pieces {
            [only] if only.len() <= CALL_OCTETS_MAX => self.call(node, within, only).await,
            _ => Err(Missed::Large),
        };
        match attempt {
            Err(Missed::Large) => {
                let left = self.left().ok_or(Missed::Final(AskError::Deadline))?;
                let streamed = self.inner.env.timeout(left, self.stream(node, left, pieces)).await;
                streamed.ok_or(Missed::Final(AskError::Deadline))?
            }
            attempt => attempt,
        }
    }
    async fn call(&self, node: NodeId, within: Duration, request: &[u8]) -> Result<E::Reply, Missed> {
        let head = CallHead::V1 {
            kind: E::Key::KIND.to_owned(),
            key: self.key_bytes(),
            id: self.id.0,
        };
        let payload = call::encode(&head, request).map_err(|error| refuse::<E>(&error.to_string()))?;
        let transport = &self.cluster.transport;
        let called = transport.call(node, ServiceId::ENTITIES, payload, within).await;
        let (head, body) = call::decode(called.map_err(missed)?).ok_or_else(not_understood::<E>)?;
        check(head)?;
        let mut gather = (self.wire.gather_reply)();
        gather.push(body).map_err(|_| not_understood::<E>())?;
        self.gathered(gather)
    }
    /// Asks by a stream what no call carries.
    async fn stream(&self, node: NodeId, within: Duration, request: &[Bytes]) -> Result<E::Reply, Missed> {
        let head = LargeHead::V1 {
            kind: E::Key::KIND.to_owned(),
            key: self.key_bytes(),
            id: self.id.0,
            within_micros: u64::try_from(within.as_micros()).unwrap_or(u64::MAX),
        };
        let head = codec::encode(&head).map_err(|error| refuse::<E>(&error.to_string()))?;
        let transport = &self.cluster.transport;
        let opened = transport.open(node, ServiceId::ENTITIES, head).await;
        let Stream { mut sender, receiver } = opened.map_err(missed)?;
        for piece in request {
            large::send(&mut sender, piece.clone()).await.map_err(broken)?;
        }
        sender.finish();
        let mut messages = Messages::new(receiver);
        let head = messages
            .next()
            .await
            .map_err(broken)?
            .ok_or(Missed::Again("unreachable"))?;
        check(codec::decode(&head).map_err(|_| not_understood::<E>())?)?;
        let mut gather = (self.wire.gather_reply)();
        while let Some(piece) = messages.next().await.map_err(broken)? {
            gather.push(piece).map_err(|_| not_understood::<E>())?;
        }
        self.gathered(gather)
    }
    fn gathered(&self, gather: ReplyGather<E>) -> Result<E::Reply, Missed> {
        let read = gather.finish(self.kind.host.services(), &self.request);
        read.map_err(|_| not_understood::<E>())
    }
    fn key_bytes(&self) -> Vec<u8> {
        let mut key = Vec::new();
        self.key.write(&mut key);
        key
    }
    fn encode(&self) -> Result<Vec<Bytes>, Missed> {
        let request = (self.wire.encode_request)(self.kind.host.services(), &self.request);
        request.map_err(|error| refuse::<E>(&error.to_string()))
    }
}

/// What an answer without a reply means.
fn check(head: AnswerHead) -> Result<(), Missed> {
    Err(match head {
        AnswerHead::Done => return Ok(()),
        AnswerHead::Moved(Some(owner)) => Missed::Redirected(NodeId(owner)),
        AnswerHead::Moved(None) => Missed::Again("moved"),
        AnswerHead::Unavailable => Missed::Again("unavailable"),
        AnswerHead::NotServed => Missed::NotUnderstood,
        AnswerHead::Overloaded => Missed::Final(AskError::Overloaded),
        AnswerHead::Deadline => Missed::Final(AskError::Deadline),
        AnswerHead::Large => Missed::Large,
    })
}

fn missed(error: CallError) -> Missed {
    match error {
        // Whether it had its effect is unknown; the id makes a repeat safe.
        CallError::Unreachable | CallError::Refused => Missed::Again("unreachable"),
        CallError::Deadline => Missed::Final(AskError::Deadline),
        CallError::Overloaded => Missed::Final(AskError::Overloaded),
        CallError::TooLarge => {
            tracing::error!("a request or its reply is too large for another node");
            Missed::Final(AskError::Unavailable)
        }
    }
}

fn broken(Broken: Broken) -> Missed {
    Missed::Again("unreachable")
}

fn refuse<E: Entity>(error: &str) -> Missed {
    tracing::error!(kind = E::Key::KIND, error, "a request cannot leave this node");
    Missed::Final(AskError::Unavailable)
}

/// The effect is there, but its reply cannot be read: a repeat would not help.
fn not_understood<E: Entity>() -> Missed {
    tracing::error!(kind = E::Key::KIND, "the answer of another node is not understood");
    Missed::Final(AskError::Unavailable)
}
