//! Showing that this node lives, and the lease that this earns.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::membership::Inner;
use crate::service::{Answer, Beat, Question, ask};

/// Sends a heartbeat each interval, whether or not the one before was answered.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut had_lease = false;
    loop {
        hongyan_env::spawn(beat(Arc::clone(&inner)));
        // Just arrived, or known to a new leader: the sooner it may answer, the better.
        let soon = inner.beat_now.notified();
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
    let answer = if leader == metadata.node() {
        Some(inner.controller.beat(leader, beat).await)
    } else {
        let within = inner.parts.options.lease;
        ask(inner.parts.transport.as_ref(), leader, &Question::Beat(beat), within)
            .await
            .ok()
    };
    if matches!(answer, Some(Answer::Alive)) {
        inner.ownership.extend_lease(sent, inner.parts.options.lease);
        let took = inner.parts.env.now_micros().saturating_sub(sent);
        inner
            .metrics
            .heartbeat
            .observe(std::time::Duration::from_micros(took).as_secs_f64());
    }
}
