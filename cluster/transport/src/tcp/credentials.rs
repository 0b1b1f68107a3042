//! What a node shows the others, and whom it lets in.

use std::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{ClusterId, NodeId};

/// A node's certificate with its key, and the authorities it trusts.
pub struct Credentials {
    /// The node's own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// The cluster's authorities: one, or two while it is being replaced.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Credentials that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Not PEM, or not what was expected in it.
    #[error("certificate or key is not readable PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// TLS does not take them.
    #[error("certificate, key and authority do not fit together")]
    Tls(#[source] rustls::Error),
    /// The certificate does not name this node.
    #[error("certificate is not that of {0}")]
    WrongName(String),
}

impl Credentials {
    /// Reads PEM texts.
    ///
    /// # Errors
    /// [`CredentialsError::Pem`].
    pub fn from_pem(certificate: &str, key: &str, authorities: &str) -> Result<Self, CredentialsError> {
        let certificates = |pem: &str| {
            CertificateDer::pem_slice_iter(pem.as_bytes())
                .collect::<Result<Vec<_>, _>>()
                .map_err(CredentialsError::Pem)
        };
        Ok(Self {
            chain: certificates(certificate)?,
            key: PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(CredentialsError::Pem)?,
            authorities: certificates(authorities)?,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Which nodes with a good certificate are spoken to: not those that have left.
pub trait Admission: Send + Sync + 'static {
    /// Whether `node` with the certificate `certificate` (DER) belongs to the cluster.
    ///
    /// # Errors
    /// Why not, for people.
    fn admit(&self, node: NodeId, certificate: &[u8]) -> Result<(), String>;
    /// Whether the process that calls as the life `incarnation` of `node` may be it. Asked before that life counts as the
    /// latest: whoever knows for certain that an earlier one lives keeps a copy of its identity out.
    ///
    /// # Errors
    /// Why not, for people.
    fn admit_life(&self, node: NodeId, incarnation: u64) -> Result<(), String> {
        let _ = (node, incarnation);
        Ok(())
    }
}

/// Lets in everybody with a good certificate.
pub struct AdmitAll;

impl Admission for AdmitAll {
    fn admit(&self, _: NodeId, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

/// Who this node is, for every handshake.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub cluster: ClusterId,
    pub node: NodeId,
    pub incarnation: u64,
}
