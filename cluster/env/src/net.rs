//! TCP sockets, as values a simulation can replace.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::simulated::{SimulatedListener, SimulatedNetwork, SimulatedStream};

/// Connections that the kernel completes before they are accepted.
const BACKLOG: u32 = 4096;

/// A listening TCP socket.
pub struct Listener(Listening);

enum Listening {
    Machine(TcpListener),
    Simulated(SimulatedListener),
}

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
        Ok(Self(Listening::Machine(socket.listen(BACKLOG)?)))
    }
    pub(crate) fn simulated(network: &SimulatedNetwork, address: SocketAddr) -> io::Result<Self> {
        network
            .listen(address)
            .map(|listener| Self(Listening::Simulated(listener)))
    }
    /// The next connection and the address it came from.
    ///
    /// # Errors
    /// What the operating system says; out of file descriptors, for one, passes by itself.
    pub async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        match &self.0 {
            Listening::Machine(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream::prepare(stream)?, peer))
            }
            Listening::Simulated(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream(Socket::Simulated(Box::new(stream))), peer))
            }
        }
    }
    /// The address it listens on, with the real port.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Listening::Machine(listener) => listener.local_addr(),
            Listening::Simulated(listener) => Ok(listener.address()),
        }
    }
}

/// A TCP connection.
#[derive(Debug)]
pub struct Stream(Socket);

#[derive(Debug)]
enum Socket {
    Machine(TcpStream),
    Simulated(Box<SimulatedStream>),
}

impl Stream {
    fn prepare(stream: TcpStream) -> io::Result<Self> {
        // Replies are written whole, so waiting for more would only delay them.
        stream.set_nodelay(true)?;
        Ok(Self(Socket::Machine(stream)))
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
    pub(crate) async fn connect_simulated(
        network: &SimulatedNetwork,
        from: SocketAddr,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let stream = network.connect(from, address).await?;
        Ok(Self(Socket::Simulated(Box::new(stream))))
    }
    /// The other end.
    ///
    /// # Errors
    /// When the connection is already gone.
    pub fn peer_address(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Socket::Machine(stream) => stream.peer_addr(),
            Socket::Simulated(stream) => Ok(stream.peer()),
        }
    }
    /// This end.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Socket::Machine(stream) => stream.local_addr(),
            Socket::Simulated(stream) => Ok(stream.local()),
        }
    }
    /// Resolves when there are bytes to read or the other end closed, so that an idle connection needs no buffer.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn readable(&self) -> io::Result<()> {
        match &self.0 {
            Socket::Machine(stream) => stream.readable().await,
            Socket::Simulated(stream) => stream.readable().await,
        }
    }
    /// Asks the kernel to probe a silent peer after `idle`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn set_keepalive(&self, idle: std::time::Duration) -> io::Result<()> {
        match &self.0 {
            Socket::Machine(stream) => {
                socket2::SockRef::from(stream).set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(idle))
            }
            Socket::Simulated(_) => Ok(()),
        }
    }
}

/// A connection that belongs to no run time at the moment, on its way to the thread that will serve it.
#[derive(Debug)]
pub struct ParkedStream(Parked);

#[derive(Debug)]
enum Parked {
    Machine(std::net::TcpStream),
    Simulated(Box<SimulatedStream>),
}

impl Stream {
    /// Lets go of the present thread's run time.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn park(self) -> io::Result<ParkedStream> {
        match self.0 {
            Socket::Machine(stream) => stream.into_std().map(|stream| ParkedStream(Parked::Machine(stream))),
            Socket::Simulated(stream) => Ok(ParkedStream(Parked::Simulated(stream))),
        }
    }
}

impl ParkedStream {
    /// Joins the run time of the thread that calls; its wake-ups then cost no change of threads.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn resume(self) -> io::Result<Stream> {
        match self.0 {
            Parked::Machine(stream) => TcpStream::from_std(stream).map(|stream| Stream(Socket::Machine(stream))),
            Parked::Simulated(stream) => Ok(Stream(Socket::Simulated(stream))),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Socket::Machine(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Simulated(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Socket::Machine(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Simulated(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Socket::Machine(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Socket::Simulated(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }
    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Socket::Machine(stream) => stream.is_write_vectored(),
            Socket::Simulated(stream) => stream.is_write_vectored(),
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Socket::Machine(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Simulated(stream) => Pin::new(stream).poll_flush(cx),
        }
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Socket::Machine(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Simulated(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
