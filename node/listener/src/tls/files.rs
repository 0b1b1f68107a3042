//! Certificates and keys as PEM, in files or in memory.

use std::path::PathBuf;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
}

/// A certificate and its key as PEM text.
#[derive(Clone)]
pub struct CertificatePem {
    /// The chain, the server's own certificate first.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Times of change of all files; different ones ask for a reload.
pub(super) type Stamp = Vec<Option<SystemTime>>;

pub(super) fn stamp(files: &[CertificateFiles]) -> Stamp {
    files
        .iter()
        .flat_map(|pair| [&pair.certificate, &pair.key])
        .map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
        .collect()
}

impl CertificateFiles {
    pub(super) fn read(&self) -> Result<CertificatePem, TlsError> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|error| TlsError::File(path.clone(), rustls::pki_types::pem::Error::Io(error)))
        };
        Ok(CertificatePem {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }
}

impl CertificatePem {
    pub(super) fn parse(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(TlsError::Pem)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(TlsError::Pem)?;
        Ok((chain, key))
    }
}

impl std::fmt::Debug for CertificatePem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificatePem").finish_non_exhaustive()
    }
}
