//! A listening socket of a simulated host.

use std::io;
use std::net::SocketAddr;
use std::task::Poll;

use super::{SimulatedNetwork, SimulatedStream};

pub(crate) struct SimulatedListener {
    network: SimulatedNetwork,
    address: SocketAddr,
}

impl SimulatedListener {
    pub(super) fn new(network: SimulatedNetwork, address: SocketAddr) -> Self {
        Self { network, address }
    }
    pub(crate) async fn accept(&self) -> io::Result<(SimulatedStream, SocketAddr)> {
        let stream: io::Result<SimulatedStream> = std::future::poll_fn(|cx| {
            let mut state = self.network.state.lock();
            let Some(listening) = state.listening.get_mut(&self.address) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            match listening.waiting.pop_front() {
                Some(stream) => Poll::Ready(Ok(stream)),
                None => {
                    listening.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        let stream = stream?;
        let peer = stream.peer();
        Ok((stream, peer))
    }
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SimulatedListener {
    fn drop(&mut self) {
        // Taken out first: dropping the connections that nobody accepted locks again.
        let listening = self.network.state.lock().listening.remove(&self.address);
        drop(listening);
    }
}
