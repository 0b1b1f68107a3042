//! A connection as a stream of octets, for a protocol whose library reads and writes by itself (HTTP).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hongyan_env::Env;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connection::Transport;
use crate::limits::Slot;
use crate::metrics::OpenGuard;

/// The octets of a connection, plain or TLS. Like the connection it fails when the peer takes nothing for the write timeout.
pub struct ConnectionStream {
    pub(crate) transport: Transport,
    pub(crate) patience: Patience,
    pub(crate) _guards: Option<(Slot, OpenGuard)>,
}

/// Ends a write that makes no progress.
pub(crate) struct Patience {
    pub(crate) env: Env,
    pub(crate) span: std::time::Duration,
    /// Runs while the peer takes nothing.
    pub(crate) waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Patience {
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let (env, span) = (&self.env, self.span);
        let waiting = self.waiting.get_or_insert_with(|| {
            let env = env.clone();
            Box::pin(async move { env.sleep(span).await })
        });
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for ConnectionStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_read(cx, buf)
    }
}

impl AsyncWrite for ConnectionStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.transport).poll_write(cx, bytes);
        this.patience.judge(cx, written)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.transport).poll_flush(cx);
        this.patience.judge(cx, flushed)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.transport).poll_shutdown(cx);
        this.patience.judge(cx, shut)
    }
}
