//! The Unix socket.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::UnixListener;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("open admin socket {path}")]
pub struct SocketError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Serves `router` on a socket at `path`, which only this user may open, until `end` completes.
///
/// A socket left behind by a process that died is replaced; whoever holds the store's lock owns the folder.
///
/// # Errors
/// When the socket cannot be made.
pub async fn serve(
    path: &Path,
    router: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), SocketError> {
    let listener = open(path).map_err(|source| SocketError {
        path: path.to_owned(),
        source,
    })?;
    let path = path.to_owned();
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(end).await;
        if let Err(error) = served {
            tracing::error!(%error, "admin socket failed");
        }
        let _ = std::fs::remove_file(path);
    });
    Ok(())
}

fn open(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
