//! Takes connections of other nodes in.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hongyan_env::{Listener, Stream};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Connection;
use super::handshake::{HandshakeError, Lives, welcome};
use super::transport::Core;
use crate::NodeId;
use crate::frame::Hello;

/// Out of file descriptors, for one: it passes, and asking at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who has connected, and in which life.
#[derive(Default)]
pub(super) struct Accepted(Mutex<BTreeMap<NodeId, Guest>>);

#[derive(Default)]
struct Guest {
    incarnation: u64,
    connection: Weak<Connection>,
}

impl Lives for Accepted {
    fn is_current(&self, hello: &Hello) -> bool {
        let mut guests = self.0.lock();
        let guest = guests.entry(hello.node).or_default();
        let current = hello.incarnation >= guest.incarnation;
        guest.incarnation = guest.incarnation.max(hello.incarnation);
        current
    }
}

impl Accepted {
    /// A node has one connection to another: that it comes again means that the one before is dead at its end.
    fn replace(&self, connection: &Arc<Connection>) {
        let before = {
            let mut guests = self.0.lock();
            let guest = guests.entry(connection.peer).or_default();
            std::mem::replace(&mut guest.connection, Arc::downgrade(connection))
        };
        if let Some(before) = before.upgrade() {
            before.end("the node has connected anew");
        }
    }
    pub(super) fn hang_up(&self, node: NodeId, reason: &str) {
        let connection = self.0.lock().get(&node).and_then(|guest| guest.connection.upgrade());
        if let Some(connection) = connection {
            connection.end(reason);
        }
    }
    pub(super) fn hang_up_all(&self, reason: &str) {
        let nodes: Vec<NodeId> = self.0.lock().keys().copied().collect();
        for node in nodes {
            self.hang_up(node, reason);
        }
    }
}

pub(super) async fn accept_all(core: Arc<Core>, listener: Listener) {
    let places = Arc::new(Semaphore::new(core.options.accepted_max));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((socket, _)) => {
                let core = Arc::clone(&core);
                tokio::spawn(async move { take_in(core, socket, place).await });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a node's connection");
                core.env.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn take_in(core: Arc<Core>, socket: Stream, place: OwnedSemaphorePermit) {
    let peer = socket.peer_address();
    let (tls, admission) = (core.tls(), core.admission());
    let handshake = welcome(&core.own, &tls, (&*admission, &core.accepted), socket);
    let error = match core.env.timeout(core.options.handshake, handshake).await {
        Some(Ok(greeted)) => {
            let connection = core.start(greeted, false, Some(place));
            core.accepted.replace(&connection);
            if core.stopped.load(Ordering::SeqCst) {
                connection.end("this node stops");
            }
            return;
        }
        Some(Err(error)) => error,
        None => HandshakeError::Io(std::io::ErrorKind::TimedOut.into()),
    };
    let reason = match &error {
        HandshakeError::Rejecting(reject) => reject.reason.label(),
        HandshakeError::Io(_) => "tls",
        HandshakeError::NoHello | HandshakeError::Rejected(_) => "no_hello",
    };
    core.metrics.refused.with_label_values(&[reason]).inc();
    let peer = peer.map_or_else(|_| "unknown".to_owned(), |peer| peer.to_string());
    tracing::warn!(%peer, reason = %error, "node connection refused");
}
