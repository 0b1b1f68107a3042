//! The accept loop of one port, and what happens to a connection before its session.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::{Arbiters, Shutdown};
use hongyan_env::{Env, ParkedStream, Stream};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use crate::limits::{ConnectionLimits, Slot};
use crate::metrics::{Metrics, OpenGuard};
use crate::{Connection, ListenerSettings, Refusal, Service, TlsConfig, UpgradeError, proxy};

/// Pause after a failed accept: the reason (no file descriptors) passes only with time.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Longest time to tell a client why it is refused.
const REFUSE_TIMEOUT: Duration = Duration::from_millis(100);

/// When TLS begins.
#[derive(Clone)]
pub enum TlsMode {
    /// Never.
    Never,
    /// When the session says so (STARTTLS, STLS).
    Upgrade(TlsConfig),
    /// At once.
    Implicit(TlsConfig),
}

/// What a port is made of.
pub struct ListenerParts<S> {
    /// Clock and sockets.
    pub env: Env,
    /// Where sessions run.
    pub arbiters: Arbiters,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// When TLS begins.
    pub tls: TlsMode,
    /// The protocol.
    pub service: Arc<S>,
    /// Shared count of connections.
    pub limits: ConnectionLimits,
    /// Other limits.
    pub settings: ListenerSettings,
}

/// An open port. It accepts until it is dropped; sessions live on.
pub struct Listener {
    address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Opens the port and begins to accept on the calling run time.
    ///
    /// # Errors
    /// What the operating system says: in use, not permitted.
    pub async fn start<S: Service>(parts: ListenerParts<S>) -> io::Result<Self> {
        let socket = parts.env.listen(parts.address).await?;
        let address = socket.local_address()?;
        let port = Arc::new(Port {
            metrics: Metrics::new(parts.service.name()),
            handshakes: Semaphore::new(parts.settings.handshakes_max.clamp(1, Semaphore::MAX_PERMITS)),
            settings: Arc::new(parts.settings),
            shutdown: parts.arbiters.shutdown(),
            env: parts.env,
            tls: parts.tls,
            service: parts.service,
            limits: parts.limits,
        });
        let accepting = parts
            .arbiters
            .clone()
            .spawn_beside(accept(socket, port, parts.arbiters));
        Ok(Self { address, accepting })
    }
    /// The address it listens on, with the real port.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Port<S> {
    env: Env,
    tls: TlsMode,
    service: Arc<S>,
    limits: ConnectionLimits,
    settings: Arc<ListenerSettings>,
    handshakes: Semaphore,
    metrics: Metrics,
    shutdown: Shutdown,
}

async fn accept<S: Service>(socket: hongyan_env::Listener, port: Arc<Port<S>>, arbiters: Arbiters) {
    let mut next: u64 = 0;
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, service = port.service.name(), "accept failed");
                port.env.sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        port.metrics.accepted.inc();
        let entered = if port.shutdown.is_requested() {
            Err(Refusal::ShuttingDown)
        } else {
            port.limits.enter()
        };
        let slot = match entered {
            Ok(slot) => slot,
            Err(refusal) => {
                port.refuse(stream, refusal).await;
                continue;
            }
        };
        // The stream changes threads, so that its wake-ups come where its session runs.
        let Ok(parked) = stream.park() else { continue };
        let port = Arc::clone(&port);
        // Sessions need no intake: they hear of mailboxes by subscription and of the end by the switch.
        let _handle = arbiters.spawn_session::<std::convert::Infallible, _>(next, 1, move |_intake| async move {
            port.welcome(parked, peer, slot).await;
        });
        next = next.wrapping_add(1);
    }
}

impl<S: Service> Port<S> {
    async fn welcome(self: Arc<Self>, parked: ParkedStream, peer: SocketAddr, slot: Slot) {
        let open = OpenGuard::new(&self.metrics.open);
        // Boxed, so that what a handshake needs is given back before the session's long life begins.
        match Box::pin(self.prepare(parked, peer, slot, open)).await {
            Ok(Some(connection)) => Arc::clone(&self.service).serve(connection).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, %peer, service = self.service.name(), "connection failed"),
        }
    }
    async fn prepare(
        &self,
        parked: ParkedStream,
        peer: SocketAddr,
        mut slot: Slot,
        open: OpenGuard,
    ) -> io::Result<Option<Connection>> {
        let mut stream = parked.resume()?;
        stream.set_keepalive(self.settings.keepalive_idle)?;
        let mut addresses = (peer, stream.local_address()?);
        if self
            .settings
            .proxy_networks
            .iter()
            .any(|network| network.contains(peer.ip()))
        {
            let header = proxy::read_header(&mut stream);
            let header = self.env.timeout(self.settings.handshake_timeout, header).await;
            match header.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into())) {
                Ok(named) => addresses = named.unwrap_or(addresses),
                Err(error) => {
                    self.metrics.refused("proxy");
                    return Err(error);
                }
            }
        }
        if let Err(refusal) = slot.identify(addresses.0.ip()) {
            self.refuse(stream, refusal).await;
            return Ok(None);
        }
        let (tls, implicit) = match &self.tls {
            TlsMode::Never => (None, false),
            TlsMode::Upgrade(tls) => (Some(tls.clone()), false),
            TlsMode::Implicit(tls) => (Some(tls.clone()), true),
        };
        let mut connection = Connection::new(self.env.clone(), stream, tls)?
            .with_addresses(addresses.0, addresses.1)
            .with_listener(Arc::clone(&self.settings), self.shutdown.clone())
            .with_guards(slot, open);
        if implicit && let Err(error) = self.handshake(&mut connection).await {
            tracing::debug!(%error, cause = ?std::error::Error::source(&error), %peer, "no TLS");
            return Ok(None);
        }
        Ok(Some(connection))
    }
    /// Only a client that has begun to speak holds one of the places for handshakes.
    async fn handshake(&self, connection: &mut Connection) -> Result<(), UpgradeError> {
        let timeout = self.settings.handshake_timeout;
        let begun = async {
            connection.readable().await.map_err(UpgradeError::Failed)?;
            Ok(self.handshakes.acquire().await.ok())
        };
        let permit = self
            .env
            .timeout(timeout, begun)
            .await
            .unwrap_or(Err(UpgradeError::TooSlow));
        let start = self.env.now_micros();
        let done = match permit {
            Ok(_permit) => connection.start_tls().await,
            Err(error) => Err(error),
        };
        self.metrics.handshake(match &done {
            Ok(()) => "done",
            Err(UpgradeError::TooSlow) => "timeout",
            Err(_) => "failed",
        });
        if done.is_ok() {
            let micros = self.env.now_micros().saturating_sub(start);
            self.metrics
                .handshake_seconds
                .observe(Duration::from_micros(micros).as_secs_f64());
        }
        done
    }
    /// Says why and closes. The line fits a fresh socket's buffer, so no client makes this wait.
    async fn refuse(&self, mut stream: Stream, refusal: Refusal) {
        self.metrics.refused(refusal.label());
        if matches!(self.tls, TlsMode::Implicit(_)) {
            return;
        }
        let line = self.service.refusal(refusal);
        let _ = self.env.timeout(REFUSE_TIMEOUT, stream.write_all(line)).await;
    }
}

/// Raises this process's limit of open files to what the system allows, and returns it: each connection needs one.
#[must_use]
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // On refusal the old limit stands.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
