//! One client connection, plain or TLS, compressed or not.
//!
//! It keeps no octets of its own: reading borrows a buffer that the thread's connections share and hands what came to
//! the session at once, so an idle connection costs its socket and TLS state. Writing fails when the peer takes
//! nothing for the write timeout.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hongyan_actor::Shutdown;
use hongyan_env::{Env, Stream};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::ListenerSettings;
use crate::deflate::{Inflate, compress};
use crate::limits::Slot;
use crate::metrics::OpenGuard;
use crate::stream::{ConnectionStream, Patience};
use crate::tls::{Chosen, TlsConfig, TlsInfo, TlsVersion};

/// Octets read at most at once.
const READ_OCTETS: usize = 32 * 1024;

/// RFC 9266 §2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_OCTETS].into_boxed_slice());
}

pub(crate) enum Transport {
    Plain(Stream),
    Tls(Box<TlsStream<Stream>>),
    /// A handshake failed: there is nothing to speak through.
    Gone,
}

/// Why a connection could not change its transport. It is to be dropped.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// There are no certificates, or TLS or compression is already there: the session should not have offered it.
    #[error("not possible on this connection")]
    NotPossible,
    /// The client did not complete the handshake in time.
    #[error("handshake took too long")]
    TooSlow,
    /// The handshake failed.
    #[error("handshake failed")]
    Failed(#[source] io::Error),
}

/// A connection.
pub struct Connection {
    env: Env,
    peer: SocketAddr,
    local: SocketAddr,
    transport: Transport,
    inflate: Option<Box<Inflate>>,
    tls: Option<TlsConfig>,
    tls_info: Option<Box<TlsInfo>>,
    settings: Arc<ListenerSettings>,
    shutdown: Shutdown,
    guards: Option<(Slot, OpenGuard)>,
}

impl Connection {
    /// A connection over a socket, outside any listener: for tests, and for sockets from elsewhere. With `tls` it can start TLS.
    ///
    /// # Errors
    /// When the socket is already closed.
    pub fn new(env: Env, stream: Stream, tls: Option<TlsConfig>) -> io::Result<Self> {
        let (peer, local) = (stream.peer_address()?, stream.local_address()?);
        Ok(Self {
            env,
            peer,
            local,
            transport: Transport::Plain(stream),
            inflate: None,
            tls,
            tls_info: None,
            settings: Arc::new(ListenerSettings::default()),
            shutdown: Shutdown::default(),
            guards: None,
        })
    }
    pub(crate) fn with_addresses(mut self, peer: SocketAddr, local: SocketAddr) -> Self {
        (self.peer, self.local) = (peer, local);
        self
    }
    pub(crate) fn with_listener(mut self, settings: Arc<ListenerSettings>, shutdown: Shutdown) -> Self {
        (self.settings, self.shutdown) = (settings, shutdown);
        self
    }
    pub(crate) fn with_guards(mut self, slot: Slot, open: OpenGuard) -> Self {
        self.guards = Some((slot, open));
        self
    }

    /// The client's address; behind a trusted balancer the one it named.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }
    /// The address the client connected to.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }
    /// The TLS channel, if there is one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls_info.as_deref()
    }
    /// Whether STARTTLS can be offered now.
    #[must_use]
    pub fn can_start_tls(&self) -> bool {
        self.tls.is_some() && self.tls_info.is_none() && self.inflate.is_none()
    }
    /// Whether what is sent is compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.inflate.is_some()
    }
    /// Tells that the node is going down; a session then ends at its next safe point (SMTP 421, IMAP BYE).
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Waits for octets and hands them to `sink`, once; returns their number, 0 at the end of the stream. Can be cancelled
    /// without loss, so it may stand in a `select!`.
    ///
    /// # Errors
    /// What the socket or TLS says; the connection is then to be dropped.
    pub async fn receive(&mut self, mut sink: impl FnMut(&[u8])) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_receive(cx, &mut sink)).await
    }
    fn poll_receive(&mut self, cx: &mut Context<'_>, sink: &mut impl FnMut(&[u8])) -> Poll<io::Result<usize>> {
        // The sink must not read from a connection; should it, it gets a buffer of its own.
        READ_BUFFER.with(|shared| match shared.try_borrow_mut() {
            Ok(mut buffer) => self.poll_receive_with(cx, &mut buffer, sink),
            Err(_) => self.poll_receive_with(cx, &mut vec![0; READ_OCTETS], sink),
        })
    }
    fn poll_receive_with(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        let Some(inflate) = self.inflate.as_deref_mut() else {
            let bytes = ready!(poll_read(&mut self.transport, cx, buffer))?;
            if !bytes.is_empty() {
                sink(bytes);
            }
            return Poll::Ready(Ok(bytes.len()));
        };
        loop {
            while inflate.has_input() {
                let count = inflate.read(buffer)?;
                if let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) {
                    sink(bytes);
                    return Poll::Ready(Ok(count));
                }
            }
            let bytes = ready!(poll_read(&mut self.transport, cx, buffer))?;
            if bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            inflate.feed(bytes);
        }
    }

    /// Sends all of `bytes` and flushes.
    ///
    /// # Errors
    /// `TimedOut` when the peer takes nothing for the write timeout, else what the socket or TLS says; the connection is
    /// then to be dropped.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.inflate.is_some() {
            let compressed = compress(bytes);
            self.send_raw(&compressed).await
        } else {
            self.send_raw(bytes).await
        }
    }
    async fn send_raw(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let span = self.settings.write_timeout;
        let env = self.env.clone();
        while !bytes.is_empty() {
            let count = in_time(&env, span, self.transport.write(bytes)).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(count..).unwrap_or_default();
        }
        in_time(&env, span, self.transport.flush()).await
    }
    /// Says that nothing more will be sent (TLS close_notify, then FIN), and waits up to the linger timeout for the client to close
    /// too. Dropping the connection afterwards closes it.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn close(&mut self) -> io::Result<()> {
        let span = self.settings.write_timeout.min(Duration::from_secs(5));
        let env = self.env.clone();
        in_time(&env, span, self.transport.shutdown()).await?;
        // Boxed, as no session's future should carry this room through its life.
        Box::pin(self.linger()).await;
        Ok(())
    }
    /// Throws away what the client still sends. To octets that come to a closed socket TCP answers with a reset, which takes what
    /// was said last from a client that has not read it yet.
    async fn linger(&mut self) {
        let (env, span) = (self.env.clone(), self.settings.linger_timeout);
        let transport = &mut self.transport;
        let gone = std::future::poll_fn(|cx| {
            READ_BUFFER.with_borrow_mut(|buffer| {
                while !matches!(ready!(poll_read(transport, cx, buffer)), Ok([]) | Err(_)) {}
                Poll::Ready(())
            })
        });
        let _ = env.timeout(span, gone).await;
    }

    /// Completes a TLS handshake as the server. Nothing that came before may be used after: the session must have thrown
    /// away what it received behind the STARTTLS command (RFC 3207 §4.2, RFC 9051 §6.2.1, RFC 2595 §4).
    ///
    /// # Errors
    /// See [`UpgradeError`].
    pub async fn start_tls(&mut self) -> Result<(), UpgradeError> {
        let (Some(config), true) = (self.tls.clone(), self.can_start_tls()) else {
            return Err(UpgradeError::NotPossible);
        };
        let Transport::Plain(stream) = std::mem::replace(&mut self.transport, Transport::Gone) else {
            return Err(UpgradeError::NotPossible);
        };
        // Boxed, so that no session's future carries the room of a handshake through its life.
        let handshake = Box::pin(handshake(&config, stream));
        let (stream, info) = self
            .env
            .timeout(self.settings.handshake_timeout, handshake)
            .await
            .ok_or(UpgradeError::TooSlow)?
            .map_err(UpgradeError::Failed)?;
        self.transport = Transport::Tls(stream);
        self.tls_info = Some(Box::new(info));
        Ok(())
    }
    /// Compresses both directions from here on. What the session received behind the COMPRESS command is already compressed and is
    /// handed in as `early`.
    ///
    /// # Errors
    /// [`UpgradeError::NotPossible`] when it is compressed already.
    pub fn start_deflate(&mut self, early: &[u8]) -> Result<(), UpgradeError> {
        if self.inflate.is_some() {
            return Err(UpgradeError::NotPossible);
        }
        let mut inflate = Inflate::new();
        inflate.feed(early);
        self.inflate = Some(Box::new(inflate));
        Ok(())
    }
    /// The connection as a stream of octets; none when it is compressed or its handshake failed.
    #[must_use]
    pub fn into_stream(self) -> Option<ConnectionStream> {
        if self.inflate.is_some() || matches!(self.transport, Transport::Gone) {
            return None;
        }
        Some(ConnectionStream {
            transport: self.transport,
            patience: Patience {
                env: self.env,
                span: self.settings.write_timeout,
                waiting: None,
            },
            _guards: self.guards,
        })
    }
    /// Waits until the client has sent something, before a handshake is counted.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match &self.transport {
            Transport::Plain(stream) => stream.readable().await,
            _ => Ok(()),
        }
    }
}

async fn in_time<T>(env: &Env, span: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    env.timeout(span, work)
        .await
        .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads into `buffer`. A TLS peer that goes without close_notify counts as gone in order: mail protocols frame themselves.
fn poll_read<'a>(
    transport: &mut Transport,
    cx: &mut Context<'_>,
    buffer: &'a mut [u8],
) -> Poll<io::Result<&'a mut [u8]>> {
    let mut read = ReadBuf::new(buffer);
    match ready!(Pin::new(transport).poll_read(cx, &mut read)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Poll::Ready(Err(error)),
    }
    let count = read.filled().len();
    Poll::Ready(Ok(buffer.get_mut(..count).unwrap_or_default()))
}

async fn handshake(config: &TlsConfig, stream: Stream) -> io::Result<(Box<TlsStream<Stream>>, TlsInfo)> {
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let chosen = config.choose(&start.client_hello());
    let stream = start.into_stream(Arc::clone(chosen.config())).await?;
    let info = describe(&stream, &chosen);
    Ok((Box::new(stream), info))
}

fn describe(stream: &TlsStream<Stream>, chosen: &Chosen) -> TlsInfo {
    let session = stream.get_ref().1;
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        _ => TlsVersion::Tls12,
    };
    let exporter = (version == TlsVersion::Tls13)
        .then(|| session.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).ok())
        .flatten();
    TlsInfo {
        version,
        cipher: session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown"),
        server_name: session.server_name().map(str::to_owned),
        exporter,
        server_end_point: chosen.site().server_end_point.clone(),
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}
