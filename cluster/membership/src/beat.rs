//! Showing that this node lives, and the lease that this earns.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hongyan_transport::Transport;

use crate::NodeId;
use crate::membership::Inner;
use crate::service::{Answer, Beat, Question, ask};

/// Sends a heartbeat each interval, whether or not the one before was answered.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut had_lease = false;
    let mut able = inner.parts.able.clone();
    let mut leadership = inner.parts.metadata.leadership();
    loop {
        leadership.mark_unchanged();
        hongyan_env::spawn(beat(Arc::clone(&inner)));
        // Just arrived, or there is a new leader: the sooner it may answer, the better. And when the store is lost for
        // all nodes, the leader should hear so from all at about the same time.
        let soon = async {
            tokio::select! {
                biased;
                () = inner.beat_now.notified() => {}
                Ok(()) = able.changed() => {}
                Ok(()) = leadership.changed() => {}
            }
        };
        inner.parts.env.timeout(inner.parts.options.heartbeat, soon).await;
        let has_lease = inner.ownership.has_lease();
        if had_lease && !has_lease {
            tracing::warn!("no leader confirms that this node lives: it answers for nothing until one does");
            inner.metrics.leases_lost.inc();
        }
        inner.metrics.lease.set(i64::from(has_lease));
        had_lease = has_lease;
    }
}

async fn beat(inner: Arc<Inner>) {
    let metadata = &inner.parts.metadata;
    let Some(leader) = metadata.leader() else { return };
    let beat = Beat {
        incarnation: metadata.incarnation(),
        version: inner.followed.load(Ordering::Acquire),
    };
    let sent = inner.parts.env.now_micros();
    let is_able = *inner.parts.able.borrow();
    inner.metrics.able.set(i64::from(is_able));
    let answer = if leader == metadata.node() {
        Some(inner.controller.beat(leader, beat, is_able).await)
    } else {
        let within = inner.parts.options.lease;
        tell(inner.parts.transport.as_ref(), leader, beat, is_able, within).await
    };
    if matches!(answer, Some(Answer::Alive)) {
        inner.ownership.extend_lease(sent, inner.parts.options.lease);
        let took = inner.parts.env.now_micros().saturating_sub(sent);
        inner
            .metrics
            .heartbeat
            .observe(Duration::from_micros(took).as_secs_f64());
    }
}

/// Tells `leader`. One of a release that does not know of nodes without the store hears just that this one lives.
async fn tell(
    transport: &dyn Transport,
    leader: NodeId,
    beat: Beat,
    is_able: bool,
    within: Duration,
) -> Option<Answer> {
    if !is_able {
        let answer = ask(transport, leader, &Question::Unable(beat), within).await.ok()?;
        // What such a release answers to all that it cannot read.
        if !matches!(answer, Answer::NotLeader) {
            return Some(answer);
        }
    }
    ask(transport, leader, &Question::Beat(beat), within).await.ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hongyan_env::{BoxFuture, Env};
    use hongyan_metadata::Incarnation;
    use hongyan_transport::{Service, SimNetwork, codec};
    use serde::Deserialize;

    use super::*;
    use crate::service::SERVICE;

    /// What the first release could be asked.
    #[derive(Deserialize)]
    enum FirstQuestion {
        Beat(Beat),
        Warm(u16),
    }

    struct FirstLeader;

    impl Service for FirstLeader {
        fn call(&self, _from: NodeId, payload: Bytes, _within: Duration) -> BoxFuture<'_, Bytes> {
            let answer = match codec::decode(&payload) {
                Ok(FirstQuestion::Beat(beat)) if beat.version == 3 => Answer::Alive,
                Ok(FirstQuestion::Warm(7)) => Answer::Warm,
                _ => Answer::NotLeader,
            };
            Box::pin(async move { codec::encode(&answer).unwrap() })
        }
    }

    #[tokio::test]
    async fn a_leader_of_the_first_release_keeps_a_node_without_the_store_alive() {
        let network = SimNetwork::new(Env::real(), 1);
        let (node, leader) = (network.join(NodeId(1)), network.join(NodeId(2)));
        leader.serve(SERVICE, Arc::new(FirstLeader));
        let beat = Beat {
            incarnation: Incarnation { number: 2, nonce: 9 },
            version: 3,
        };
        for is_able in [true, false] {
            let answer = tell(node.as_ref(), NodeId(2), beat, is_able, Duration::from_secs(60)).await;
            assert!(matches!(answer, Some(Answer::Alive)), "{answer:?}");
        }
    }
}
