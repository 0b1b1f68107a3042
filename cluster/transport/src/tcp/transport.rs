//! The transport's handle: starts its tasks, calls, serves, and changes what it was started with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env, Listener};
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;

use super::accept::{Accepted, accept_all};
use super::connection::Connection;
use super::credentials::{Admission, AdmitAll, Credentials, CredentialsError, Own};
use super::handshake::Greeted;
use super::metrics::Metrics;
use super::options::TransportOptions;
use super::peers::{PeerStatus, Peers};
use super::serving::Serving;
use super::tls::Tls;
use super::{reader, writer};
use crate::{CallError, ClusterId, NodeId, Service, ServiceId, Stream, StreamError, Transport};

/// What a transport is started with.
pub struct TcpTransportParts {
    /// Clock, randomness, sockets.
    pub env: Env,
    /// The cluster.
    pub cluster: ClusterId,
    /// This node.
    pub node: NodeId,
    /// This life of the node: higher than that of every earlier one.
    pub incarnation: u64,
    /// What it shows the others.
    pub credentials: Credentials,
    /// Bounds and times.
    pub options: TransportOptions,
}

/// The real transport. Its tasks run on the runtime it was started on, whoever calls.
pub struct TcpTransport {
    core: Arc<Core>,
    accepting: Mutex<Vec<JoinHandle<()>>>,
}

pub(super) struct Core {
    pub env: Env,
    pub own: Own,
    pub options: Arc<TransportOptions>,
    pub metrics: Metrics,
    pub runtime: Handle,
    pub accepted: Accepted,
    pub superseded: watch::Sender<bool>,
    /// Set before connections are ended for good: one that comes about meanwhile ends too.
    pub stopped: AtomicBool,
    peers: Peers,
    serving: Arc<Serving>,
    tls: RwLock<Tls>,
    admission: RwLock<Arc<dyn Admission>>,
}

impl Core {
    pub(super) fn tls(&self) -> Tls {
        self.tls.read().clone()
    }
    pub(super) fn admission(&self) -> Arc<dyn Admission> {
        Arc::clone(&self.admission.read())
    }
    /// Starts a connection's two tasks; `place` is given back when it ends.
    pub(super) fn start(
        self: &Arc<Self>,
        greeted: Greeted,
        is_ours: bool,
        place: Option<OwnedSemaphorePermit>,
    ) -> Arc<Connection> {
        let node = greeted.peer.node;
        if !is_ours && let Some(peer) = self.peers.get(node) {
            peer.is_back();
        }
        let connection = Connection::new(
            self.env.clone(),
            Arc::clone(&self.options),
            self.metrics.clone(),
            (node, is_ours),
        );
        let (read, write) = tokio::io::split(greeted.socket);
        let serving = (!is_ours).then(|| Arc::clone(&self.serving));
        self.runtime.spawn(writer::write_all(Arc::clone(&connection), write));
        let (core, reading) = (Arc::clone(self), Arc::clone(&connection));
        self.runtime.spawn(async move {
            reader::read_all(Arc::clone(&reading), serving, greeted.parser, read).await;
            let reason = reading.ended().await;
            tracing::debug!(%node, is_ours, %reason, "node connection ended");
            if let Some(peer) = core.peers.get(node).filter(|_| is_ours) {
                peer.connection_ended(&reason);
            }
            drop(place);
        });
        connection
    }
}

impl TcpTransport {
    /// Starts a transport on the present runtime. It serves nothing and knows no addresses yet.
    ///
    /// # Errors
    /// When the credentials do not fit together, or are another node's.
    pub fn start(parts: TcpTransportParts) -> Result<Self, CredentialsError> {
        let own = Own {
            cluster: parts.cluster,
            node: parts.node,
            incarnation: parts.incarnation,
        };
        let tls = Tls::new(&parts.env, &own, parts.credentials)?;
        let runtime = Handle::current();
        let core = Core {
            env: parts.env,
            own,
            options: Arc::new(parts.options),
            metrics: Metrics::new(),
            accepted: Accepted::default(),
            superseded: watch::Sender::new(false),
            stopped: AtomicBool::new(false),
            peers: Peers::default(),
            serving: Arc::new(Serving::new(runtime.clone())),
            runtime,
            tls: RwLock::new(tls),
            admission: RwLock::new(Arc::new(AdmitAll)),
        };
        Ok(Self {
            core: Arc::new(core),
            accepting: Mutex::default(),
        })
    }
    /// Takes connections of other nodes from `listener` from now on.
    pub fn listen(&self, listener: Listener) {
        let task = self.core.runtime.spawn(accept_all(Arc::clone(&self.core), listener));
        self.accepting.lock().push(task);
    }
    /// Where `node` is reached.
    pub fn set_address(&self, node: NodeId, address: SocketAddr) {
        self.core.peers.find(node).set_address(address);
    }
    /// Forgets `node` and ends what connects it: it has left.
    pub fn forget(&self, node: NodeId) {
        self.core.peers.remove(node);
        self.core.accepted.hang_up(node, "the node has left");
    }
    /// Whom to speak to from now on. Connections that exist stay: see [`Self::forget`].
    pub fn set_admission(&self, admission: Arc<dyn Admission>) {
        *self.core.admission.write() = admission;
    }
    /// Shows `credentials` in every handshake from now on.
    ///
    /// # Errors
    /// As [`Self::start`]; the old ones stay then.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), CredentialsError> {
        let tls = Tls::new(&self.core.env, &self.core.own, credentials)?;
        *self.core.tls.write() = tls;
        Ok(())
    }
    /// What is known of the way to `node`.
    #[must_use]
    pub fn status(&self, node: NodeId) -> PeerStatus {
        self.core.peers.get(node).map(|peer| peer.status()).unwrap_or_default()
    }
    /// The same of all nodes that have an address or were called.
    #[must_use]
    pub fn all_status(&self) -> Vec<PeerStatus> {
        self.core.peers.all().iter().map(|peer| peer.status()).collect()
    }
    /// Becomes true when another node tells that a later process runs as this node: this one must end.
    #[must_use]
    pub fn superseded(&self) -> watch::Receiver<bool> {
        self.core.superseded.subscribe()
    }
    /// Takes no more connections and ends those that exist.
    pub fn stop(&self) {
        self.core.stopped.store(true, Ordering::SeqCst);
        for task in self.accepting.lock().drain(..) {
            task.abort();
        }
        self.core.peers.hang_up_all("this node stops");
        self.core.accepted.hang_up_all("this node stops");
    }
    async fn exchange(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let core = &self.core;
        let start = core.env.now_micros();
        if payload.len() > core.options.payload_octets_max {
            return Err(CallError::TooLarge);
        }
        let exchange = async {
            if to == core.own.node {
                let service = core.serving.find(service).ok_or(CallError::Refused)?;
                return Ok(service.call(to, payload, within).await);
            }
            let peer = core.peers.get(to).ok_or(CallError::Unreachable)?;
            let connection = peer.connection(core).await?;
            let spent = Duration::from_micros(core.env.now_micros().saturating_sub(start));
            let mut call = connection.call(service, payload, within.saturating_sub(spent))?;
            call.reply().await
        };
        core.env
            .timeout(within, exchange)
            .await
            .unwrap_or(Err(CallError::Deadline))
    }
}

impl Drop for TcpTransport {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Transport for TcpTransport {
    fn node(&self) -> NodeId {
        self.core.own.node
    }
    fn call(
        &self,
        to: NodeId,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        Box::pin(async move {
            let start = self.core.env.now_micros();
            let reply = self.exchange(to, service, payload, within).await;
            let metrics = &self.core.metrics;
            let label = service.0.to_string();
            let result = reply.as_ref().map_or_else(|error| error.label(), |_| "ok");
            metrics.calls.with_label_values(&[&label, result]).inc();
            let micros = self.core.env.now_micros().saturating_sub(start);
            let seconds = Duration::from_micros(micros).as_secs_f64();
            metrics.call_seconds.with_label_values(&[&label]).observe(seconds);
            reply
        })
    }
    fn open(&self, to: NodeId, service: ServiceId, payload: Bytes) -> BoxFuture<'_, Result<Stream, CallError>> {
        Box::pin(async move {
            if payload.len() > crate::frame::FRAME_PAYLOAD_OCTETS_MAX {
                return Err(CallError::TooLarge);
            }
            let core = &self.core;
            let peer = core.peers.get(to).ok_or(CallError::Unreachable)?;
            let connected = core.env.timeout(core.options.handshake, peer.connection(core)).await;
            connected.unwrap_or(Err(CallError::Unreachable))?.open(service, payload)
        })
    }
    fn serve(&self, id: ServiceId, service: Arc<dyn Service>) {
        self.core.serving.add(id, service);
    }
}

impl From<StreamError> for CallError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Broken => Self::Unreachable,
            StreamError::TooLarge => Self::TooLarge,
        }
    }
}
