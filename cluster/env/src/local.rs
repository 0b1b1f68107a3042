//! Unix sockets, for programs of the same user on the same machine.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A connection over a Unix socket.
pub type LocalStream = tokio::net::UnixStream;

/// A listening Unix socket. Its file goes with it.
#[derive(Debug)]
pub struct LocalListener {
    listener: tokio::net::UnixListener,
    path: PathBuf,
}

impl LocalListener {
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = tokio::net::UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }
    /// The next connection.
    ///
    /// # Errors
    /// What the operating system says; out of file descriptors, for one, passes by itself.
    pub async fn accept(&self) -> io::Result<LocalStream> {
        Ok(self.listener.accept().await?.0)
    }
    /// Where its file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LocalListener {
    fn drop(&mut self) {
        // Should it be gone already, all is well.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn only_its_user_may_open_it_and_it_goes_away() {
        let path = std::env::temp_dir().join(format!("hongyan-local-{}", std::process::id()));
        let listener = LocalListener::bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut client = LocalStream::connect(&path).await.unwrap();
        let mut server = listener.accept().await.unwrap();
        client.write_all(b"hi").await.unwrap();
        let mut bytes = [0; 2];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hi");
        drop(listener);
        assert!(!path.exists());
    }
}
