//! TCP sockets, as values a simulation can replace.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel completes before they are accepted.
const BACKLOG: u32 = 4096;

/// A listening TCP socket.
pub struct Listener(TcpListener);

impl Listener {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if address.is_ipv6() {
            // Each family has its own socket, so that binding [::] never hides a missing 0.0.0.0.
            socket2::SockRef::from(&socket).set_only_v6(true)?;
        }
        // A restart must not wait for the old connections' TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self(socket.listen(BACKLOG)?))
    }
    /// The next connection and the address it came from.
    ///
    /// # Errors
    /// What the operating system says; out of file descriptors, for one, passes by itself.
    pub async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let (stream, peer) = self.0.accept().await?;
        Ok((Stream::prepare(stream)?, peer))
    }
    /// The address it listens on, with the real port.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A TCP connection.
#[derive(Debug)]
pub struct Stream(TcpStream);

impl Stream {
    fn prepare(stream: TcpStream) -> io::Result<Self> {
        // Replies are written whole, so waiting for more would only delay them.
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }
    pub(crate) async fn connect(address: SocketAddr, from: Option<SocketAddr>) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(from) = from {
            socket.bind(from)?;
        }
        Self::prepare(socket.connect(address).await?)
    }
    /// The other end.
    ///
    /// # Errors
    /// When the connection is already gone.
    pub fn peer_address(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
    /// This end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
    /// Resolves when there are bytes to read or the other end closed, so that an idle connection needs no buffer.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }
    /// Asks the kernel to probe a silent peer after `idle`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn set_keepalive(&self, idle: std::time::Duration) -> io::Result<()> {
        socket2::SockRef::from(&self.0).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(idle))
    }
}

/// A connection that belongs to no run time at the moment, on its way to the thread that will serve it.
#[derive(Debug)]
pub struct ParkedStream(std::net::TcpStream);

impl Stream {
    /// Lets go of the present thread's run time.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn park(self) -> io::Result<ParkedStream> {
        self.0.into_std().map(ParkedStream)
    }
}

impl ParkedStream {
    /// Joins the run time of the thread that calls; its wake-ups then cost no change of threads.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn resume(self) -> io::Result<Stream> {
        TcpStream::from_std(self.0).map(Stream)
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }
    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
