//! The Unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::{Extension, Router};
use hongyan_access::permission::Actor;
use hongyan_env::{Env, LocalListener, LocalStream};

/// Pause after a failed accept: the reason (no file descriptors) passes only with time.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("open admin socket {path}")]
pub struct SocketError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// A listening socket as axum sees it.
struct Accepting {
    env: Env,
    listener: LocalListener,
}

impl axum::serve::Listener for Accepting {
    type Io = LocalStream;
    type Addr = ();

    async fn accept(&mut self) -> (LocalStream, ()) {
        loop {
            match self.listener.accept().await {
                Ok(stream) => return (stream, ()),
                Err(error) => {
                    tracing::warn!(%error, service = "admin", "accept failed");
                    self.env.sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Serves `router` on a socket at `path`, which only this user may open, until `end` completes.
///
/// A socket left behind by a process that died is replaced; whoever holds the store's lock owns the folder.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(
    env: Env,
    path: &Path,
    router: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SocketError> {
    let listener = env.listen_local(path).map_err(|source| SocketError {
        path: path.to_owned(),
        source,
    })?;
    let accepting = Accepting { env, listener };
    // Whoever may open the socket runs the installation.
    let router = router.layer(Extension(Actor::socket()));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(accepting, router).with_graceful_shutdown(end).await {
            tracing::error!(%error, "admin socket failed");
        }
    });
    Ok(())
}
