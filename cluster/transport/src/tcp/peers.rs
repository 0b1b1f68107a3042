//! The nodes that are called: where they are, the one connection to each, and when to dial again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::connection::Connection;
use super::handshake::{HandshakeError, greet};
use super::transport::Core;
use crate::{CallError, NodeId};

/// What an operator may want to know of the way to one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerStatus {
    /// Where it is believed to be.
    pub address: Option<SocketAddr>,
    /// Whether there is a connection now.
    pub is_connected: bool,
    /// Why the last attempt, or the last connection, failed.
    pub last_error: Option<String>,
    /// Why it turned this node away, when that is how the last attempt failed.
    pub turned_away: Option<String>,
    /// Whether whoever answered there last is of another cluster, by its certificate.
    pub is_foreign: bool,
}

pub(super) struct Peer {
    node: NodeId,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    address: Option<SocketAddr>,
    way: Way,
    failures: u32,
    last_error: Option<String>,
    turned_away: Option<String>,
    is_foreign: bool,
}

#[derive(Default)]
enum Way {
    #[default]
    None,
    /// Left alone until then.
    Failed {
        until_micros: u64,
    },
    Dialling,
    Up(Arc<Connection>),
}

/// Addresses and connections.
#[derive(Default)]
pub(super) struct Peers(Mutex<BTreeMap<NodeId, Arc<Peer>>>);

impl Peers {
    pub(super) fn find(&self, node: NodeId) -> Arc<Peer> {
        let mut peers = self.0.lock();
        let peer = peers.entry(node).or_insert_with(|| {
            Arc::new(Peer {
                node,
                state: Mutex::default(),
                changed: Notify::new(),
            })
        });
        Arc::clone(peer)
    }
    pub(super) fn get(&self, node: NodeId) -> Option<Arc<Peer>> {
        self.0.lock().get(&node).cloned()
    }
    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.0.lock().values().cloned().collect()
    }
    pub(super) fn remove(&self, node: NodeId) {
        let gone = self.0.lock().remove(&node);
        if let Some(peer) = gone {
            peer.state.lock().address = None;
            peer.hang_up("the node has left");
        }
    }
    pub(super) fn hang_up_all(&self, reason: &str) {
        for peer in self.all() {
            peer.hang_up(reason);
        }
    }
}

impl Peer {
    pub(super) fn set_address(&self, address: SocketAddr) {
        let mut state = self.state.lock();
        if state.address.replace(address) == Some(address) {
            return;
        }
        // What is known of the old address says nothing of the new one.
        state.failures = 0;
        if matches!(state.way, Way::Failed { .. }) {
            state.way = Way::None;
        }
        if let Way::Up(connection) = &state.way {
            connection.end("the node has another address now");
        }
    }
    /// It has called: the next call to it need not wait until it would be dialled again.
    pub(super) fn is_back(&self) {
        let mut state = self.state.lock();
        state.failures = 0;
        if matches!(state.way, Way::Failed { .. }) {
            state.way = Way::None;
        }
    }
    pub(super) fn hang_up(&self, reason: &str) {
        if let Way::Up(connection) = &self.state.lock().way {
            connection.end(reason);
        }
    }
    pub(super) fn status(&self) -> PeerStatus {
        let state = self.state.lock();
        PeerStatus {
            address: state.address,
            is_connected: matches!(&state.way, Way::Up(connection) if !connection.is_ended()),
            last_error: state.last_error.clone(),
            turned_away: state.turned_away.clone(),
            is_foreign: state.is_foreign,
        }
    }
    /// The connection, dialled if need be.
    pub(super) async fn connection(self: &Arc<Self>, core: &Arc<Core>) -> Result<Arc<Connection>, CallError> {
        loop {
            if core.stopped.load(Ordering::SeqCst) {
                return Err(CallError::Unreachable);
            }
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Heard from now on, so that a change between the look and the wait is not missed.
            changed.as_mut().enable();
            {
                let mut state = self.state.lock();
                match &state.way {
                    Way::Up(connection) if !connection.is_ended() => return Ok(Arc::clone(connection)),
                    Way::Dialling => {}
                    Way::Failed { until_micros } if core.env.now_micros() < *until_micros => {
                        return Err(CallError::Unreachable);
                    }
                    Way::None | Way::Failed { .. } | Way::Up(_) => {
                        let Some(address) = state.address else {
                            return Err(CallError::Unreachable);
                        };
                        state.way = Way::Dialling;
                        let (peer, core_of_dial) = (Arc::clone(self), Arc::clone(core));
                        core.runtime
                            .spawn(async move { peer.dial(core_of_dial, address).await });
                    }
                }
            }
            changed.await;
            if matches!(self.state.lock().way, Way::Failed { .. }) {
                return Err(CallError::Unreachable);
            }
        }
    }
    async fn dial(self: Arc<Self>, core: Arc<Core>, address: SocketAddr) {
        let handshake = async {
            let connected = core.env.timeout(core.options.connect, core.env.connect(address)).await;
            let socket = connected.unwrap_or_else(|| Err(std::io::ErrorKind::TimedOut.into()))?;
            let (tls, admission) = (core.tls(), core.admission());
            greet(&core.own, &tls, &*admission, self.node, socket).await
        };
        let greeted = match core.env.timeout(core.options.handshake, handshake).await {
            Some(greeted) => greeted,
            None => Err(HandshakeError::Io(std::io::ErrorKind::TimedOut.into())),
        };
        let result = if greeted.is_ok() { "ok" } else { "failed" };
        core.metrics.dials.with_label_values(&[result]).inc();
        match greeted {
            Ok(greeted) => {
                let connection = core.start(greeted, true, None);
                let mut state = self.state.lock();
                state.failures = 0;
                state.turned_away = None;
                state.is_foreign = false;
                state.way = Way::Up(Arc::clone(&connection));
                drop(state);
                // Whoever stops now finds it, and who has stopped before did not.
                if core.stopped.load(Ordering::SeqCst) {
                    connection.end("this node stops");
                }
            }
            Err(error) => {
                if error.is_superseded() {
                    core.superseded.send_replace(true);
                }
                {
                    let mut state = self.state.lock();
                    state.turned_away = error.turned_away();
                    state.is_foreign = error.is_foreign();
                }
                self.fail(&core, address, error.to_string());
            }
        }
        self.changed.notify_waiters();
    }
    fn fail(&self, core: &Core, address: SocketAddr, text: String) {
        let mut state = self.state.lock();
        if state.last_error.as_ref() != Some(&text) {
            tracing::warn!(node = %self.node, %address, reason = %text, "node cannot be reached");
        }
        state.last_error = Some(text);
        let wait = backoff(core, state.failures);
        state.failures = state.failures.saturating_add(1);
        let wait_micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        state.way = Way::Failed {
            until_micros: core.env.now_micros().saturating_add(wait_micros),
        };
        if state.address != Some(address) {
            // It has moved while we dialled the old address.
            state.way = Way::None;
        }
    }
    pub(super) fn connection_ended(&self, reason: &str) {
        self.state.lock().last_error = Some(reason.to_owned());
    }
}

/// Doubles with each failure; between a half and the whole of it, so that nodes do not all dial at once.
fn backoff(core: &Core, failures: u32) -> Duration {
    let full = core.options.backoff_min.saturating_mul(1 << failures.min(16));
    let full = full.min(core.options.backoff_max);
    let half = full / 2;
    let spread = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_micros(core.env.random_u64() % spread)
}
