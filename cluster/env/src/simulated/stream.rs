//! One end of a simulated connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::SimulatedNetwork;
use super::pipe::Arrival;

pub(crate) struct SimulatedStream {
    network: SimulatedNetwork,
    incoming: u64,
    outgoing: u64,
    local: SocketAddr,
    peer: SocketAddr,
    /// Until the next octets arrive.
    arrival: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for SimulatedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.local, self.peer)
    }
}

impl SimulatedStream {
    pub(super) fn new(
        network: SimulatedNetwork,
        incoming: u64,
        outgoing: u64,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Self {
        Self {
            network,
            incoming,
            outgoing,
            local,
            peer,
            arrival: None,
        }
    }
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }
    pub(crate) async fn readable(&self) -> io::Result<()> {
        let mut arrival = None;
        std::future::poll_fn(|cx| self.poll_arrival(&mut arrival, cx)).await
    }
    /// What has come, or when something will.
    fn look(&self, cx: &Context<'_>) -> io::Result<Look> {
        let mut state = self.network.state.lock();
        let now = state.now_micros();
        let Some(pipe) = state.pipes.get(&self.incoming) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if pipe.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let arrival = if state.is_blocked(pipe) {
            Arrival::Never
        } else {
            pipe.next_arrival(now)
        };
        let look = match arrival {
            Arrival::Now => return Ok(Look::Now),
            Arrival::At(micros) => Look::At(state.instant(micros)),
            Arrival::Never => Look::Never,
        };
        if let Some(pipe) = state.pipes.get_mut(&self.incoming) {
            pipe.reader = Some(cx.waker().clone());
        }
        Ok(look)
    }
    /// Ready once octets, or the end of the stream, have arrived.
    fn poll_arrival(&self, arrival: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let at = match self.look(cx)? {
                Look::Now => return Poll::Ready(Ok(())),
                Look::Never => {
                    *arrival = None;
                    return Poll::Pending;
                }
                Look::At(at) => at,
            };
            let mut sleep = arrival.take().unwrap_or_else(|| Box::pin(tokio::time::sleep_until(at)));
            if sleep.deadline() != at {
                sleep.as_mut().reset(at);
            }
            let elapsed = sleep.as_mut().poll(cx);
            *arrival = Some(sleep);
            ready!(elapsed);
        }
    }
}

enum Look {
    Now,
    At(tokio::time::Instant),
    Never,
}

impl AsyncRead for SimulatedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut arrival = self.arrival.take();
        let arrived = self.poll_arrival(&mut arrival, cx);
        self.arrival = arrival;
        ready!(arrived)?;
        let mut state = self.network.state.lock();
        let available = state
            .pipes
            .get(&self.incoming)
            .and_then(|pipe| Some(pipe.segments.front()?.bytes.len()))
            .unwrap_or(0);
        let count = state.portion(available).min(buf.remaining());
        if let Some(pipe) = state.pipes.get_mut(&self.incoming)
            && let Some(segment) = pipe.segments.front_mut()
        {
            let taken: Vec<u8> = segment.bytes.drain(..count).collect();
            buf.put_slice(&taken);
            if segment.bytes.is_empty() {
                pipe.segments.pop_front();
            }
            pipe.queued -= count;
            if let Some(writer) = pipe.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimulatedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.network.state.lock();
        let Some(pipe) = state.pipes.get_mut(&self.outgoing) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if pipe.is_reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if pipe.end_micros.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if pipe.is_abandoned {
            // As TCP has it: the first octets to a closed socket are taken and lost, and bring the reset back.
            pipe.reset();
            if let Some(incoming) = state.pipes.get_mut(&self.incoming) {
                incoming.reset();
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        match state.send(self.outgoing, bytes) {
            0 => {
                if let Some(pipe) = state.pipes.get_mut(&self.outgoing) {
                    pipe.writer = Some(cx.waker().clone());
                }
                Poll::Pending
            }
            count => Poll::Ready(Ok(count)),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.network.state.lock().end(self.outgoing);
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimulatedStream {
    /// Closes: what was sent still arrives, unless octets were left unread, which resets the connection.
    fn drop(&mut self) {
        let mut state = self.network.state.lock();
        let is_unread = state.pipes.get(&self.incoming).is_some_and(|pipe| pipe.queued > 0);
        if is_unread && let Some(pipe) = state.pipes.get_mut(&self.outgoing) {
            pipe.reset();
        }
        state.end(self.outgoing);
        if let Some(pipe) = state.pipes.get_mut(&self.incoming) {
            pipe.is_abandoned = true;
            pipe.segments.clear();
            pipe.queued = 0;
            pipe.wake();
        }
        // Both ends closed: nobody asks for the pair any more.
        if state.pipes.get(&self.outgoing).is_none_or(|pipe| pipe.is_abandoned) {
            state.pipes.remove(&self.incoming);
            state.pipes.remove(&self.outgoing);
        }
    }
}
