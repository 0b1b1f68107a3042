//! What can be wrong with certificates, keys and their files.

use std::path::PathBuf;

/// Why an identity cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("identity file {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Others may read the key.
    #[error("{0} holds a key and may be read by others than its owner: chmod 600 it")]
    Exposed(PathBuf),
    /// The text is no certificate, key or request.
    #[error("not a certificate, key or request: {0}")]
    Malformed(String),
    /// The certificate names no node of a cluster.
    #[error("the certificate names no node: {0}")]
    NoNode(String),
}

impl From<rcgen::Error> for IdentityError {
    fn from(error: rcgen::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
