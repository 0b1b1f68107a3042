//! Telling the cluster that this process speaks for the node, at the start and whenever it was taken for dead.

use std::sync::Arc;
use std::time::Duration;

use hongyan_metadata::{Arrival, Change, ProposeError, Refusal};

use crate::membership::Inner;

/// How long one try takes at most, and the pause after one that was refused for the time being.
const WITHIN: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn run(inner: Arc<Inner>) {
    let metadata = &inner.parts.metadata;
    // Once the map knows of this start, nobody can tell it from a later one of another disk.
    metadata.trusted().await;
    let mut map = metadata.watch();
    let mut able = inner.parts.able.clone();
    loop {
        let here = {
            let map = map.borrow_and_update();
            let record = map.node(metadata.node());
            record.is_some_and(|record| record.state.is_alive() && record.incarnation == metadata.incarnation())
        };
        if here {
            if map.changed().await.is_err() {
                return;
            }
            continue;
        }
        if !*able.borrow_and_update() {
            // It would be given what it cannot serve.
            let ended = async { able.changed().await.is_err() };
            if inner.parts.env.timeout(PAUSE, ended).await == Some(true) {
                inner.parts.env.sleep(PAUSE).await;
            }
            continue;
        }
        let arrival = Arrival {
            node: metadata.node().0,
            incarnation: metadata.incarnation(),
            address: inner.parts.address.clone(),
            release: inner.parts.release.clone(),
            protocols: inner.parts.protocols,
        };
        match metadata.propose(Change::Arrive(arrival), WITHIN).await {
            Ok(_) => {
                *inner.waits_for.lock() = None;
                tracing::info!(node = %metadata.node(), "this node is up");
            }
            Err(ProposeError::Refused(refusal)) if is_final(&refusal) => {
                tracing::error!(%refusal, "the cluster refuses this node");
                inner.ownership.end_lease();
                inner.refusal.send_replace(Some(refusal));
                return;
            }
            Err(ProposeError::Refused(refusal)) => *inner.waits_for.lock() = Some(refusal),
            Err(ProposeError::NoLeader) => {}
        }
        // Either its own map shows the arrival soon, or it is tried again.
        let _ = inner.parts.env.timeout(PAUSE, map.changed()).await;
    }
}

/// Whether trying again cannot help.
fn is_final(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::StaleDisk { .. } | Refusal::Left(_) | Refusal::Incompatible { .. }
    )
}
