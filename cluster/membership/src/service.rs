//! What nodes say to each other about living and moving, over the transport: service 4.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::BoxFuture;
use hongyan_metadata::Incarnation;
use hongyan_transport::{CallError, Service, ServiceId, Transport, codec};
use serde::{Deserialize, Serialize};

use crate::membership::Inner;
use crate::{NodeId, Partition};

pub(crate) const SERVICE: ServiceId = ServiceId::MEMBERSHIP;

/// Sent between releases: variants are added at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Question {
    /// I live and can serve; or, to a leader that does not know [`Self::Unable`], just that I live.
    Beat(Beat),
    /// You are to own this partition: prepare.
    Warm(u16),
    /// I live, and do not reach the data store. Unknown to the first release.
    Unable(Beat),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) incarnation: Incarnation,
    /// The version of the map that this node goes by.
    pub(crate) version: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// You live, and I led after you said so.
    Alive,
    /// You may not answer for anything: look at the map.
    NotAlive,
    /// Ask the leader.
    NotLeader,
    /// Prepared.
    Warm,
}

/// Holds no node alive: the transport may outlive it.
pub(crate) struct Listener(pub(crate) Weak<Inner>);

impl Service for Listener {
    fn call(&self, from: NodeId, payload: Bytes, _within: Duration) -> BoxFuture<'_, Bytes> {
        Box::pin(async move {
            let inner = self.0.upgrade();
            let answer = match (inner, codec::decode(&payload)) {
                (Some(inner), Ok(Question::Beat(beat))) => inner.controller.beat(from, beat, true).await,
                (Some(inner), Ok(Question::Unable(beat))) => inner.controller.beat(from, beat, false).await,
                (Some(inner), Ok(Question::Warm(partition))) => {
                    inner.parts.host.warm(Partition(partition)).await;
                    // Who may not answer for anything takes nothing over in order.
                    if inner.ownership.has_lease() {
                        Answer::Warm
                    } else {
                        Answer::NotAlive
                    }
                }
                _ => Answer::NotLeader,
            };
            codec::encode(&answer).unwrap_or_default()
        })
    }
}

pub(crate) async fn ask(
    transport: &dyn Transport,
    to: NodeId,
    question: &Question,
    within: Duration,
) -> Result<Answer, CallError> {
    let payload = codec::encode(question).map_err(|_| CallError::TooLarge)?;
    let reply = transport.call(to, SERVICE, payload, within).await?;
    codec::decode(&reply).map_err(|_| CallError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let beat = Beat {
            incarnation: Incarnation { number: 2, nonce: 9 },
            version: 300,
        };
        let questions = [
            (Question::Beat(beat), "000209fb2c01"),
            (Question::Warm(7), "0107"),
            (Question::Unable(beat), "020209fb2c01"),
        ];
        for (question, bytes) in questions {
            assert_eq!(
                format!("{:x}", codec::encode(&question).unwrap()),
                bytes,
                "{question:?}"
            );
        }
        let answers = [Answer::Alive, Answer::NotAlive, Answer::NotLeader, Answer::Warm];
        for (number, answer) in (0_u8..).zip(answers) {
            assert_eq!(codec::encode(&answer).unwrap()[..], [number], "{answer:?}");
        }
    }
}
