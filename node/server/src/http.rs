//! Health and metrics over HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hongyan_env::{Env, Listener, Stream};
use hongyan_telemetry::Health;

/// Pause after a failed accept: the reason (no file descriptors) passes only with time.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A listening socket as axum sees it.
struct Accepting {
    env: Env,
    listener: Listener,
}

impl axum::serve::Listener for Accepting {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, service = "http", "accept failed");
                    self.env.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_address()
    }
}

/// Serves /healthz, /readyz and /metrics at `address`, as long as the process lives.
pub(crate) async fn serve(env: Env, address: SocketAddr, health: Health) -> io::Result<()> {
    let listener = env.listen(address).await?;
    let accepting = Accepting { env, listener };
    tokio::spawn(async move {
        if let Err(error) = axum::serve(accepting, hongyan_telemetry::router(health)).await {
            tracing::error!(%error, "HTTP failed");
        }
    });
    Ok(())
}
