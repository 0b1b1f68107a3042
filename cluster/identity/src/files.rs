//! The file that holds a node's identity: certificate, key and authority in one, so that they change together.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hongyan_transport::{ClusterId, Credentials, NodeId};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::certificate::der_of;
use crate::{CertificateFacts, IdentityError};

/// A node's certificate, key and authority, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The node's certificate.
    pub certificate_pem: String,
    /// Its key.
    pub key_pem: String,
    /// The cluster's authority.
    pub authority_pem: String,
}

impl Identity {
    /// What the certificate says.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`].
    pub fn facts(&self) -> Result<CertificateFacts, IdentityError> {
        CertificateFacts::read(&der_of(&self.certificate_pem)?)
    }
    /// Which node of which cluster this is.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`], [`IdentityError::NoNode`].
    pub fn node(&self) -> Result<(ClusterId, NodeId), IdentityError> {
        self.facts()?.node()
    }
    /// What the transport shows. The authority goes along, so that joining nodes can recognise it.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`].
    pub fn credentials(&self) -> Result<Credentials, IdentityError> {
        let authority = der_of(&self.authority_pem)?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes());
        Ok(Credentials {
            chain: vec![der_of(&self.certificate_pem)?, authority.clone()],
            key: key.map_err(|error| IdentityError::Malformed(error.to_string()))?,
            authorities: vec![authority],
        })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Where the identity is kept. Only its owner may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFile(pub PathBuf);

impl IdentityFile {
    /// The identity; `None` when this node has none yet.
    ///
    /// # Errors
    /// When the file cannot be read, or others may.
    pub fn load(&self) -> Result<Option<Identity>, IdentityError> {
        let path = &self.0;
        let metadata = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(|source| self.error(source))?,
        };
        if metadata.mode() & 0o077 != 0 {
            return Err(IdentityError::Exposed(path.clone()));
        }
        let text = std::fs::read_to_string(path).map_err(|source| self.error(source))?;
        let identity = split(&text);
        identity
            .map(Some)
            .ok_or_else(|| IdentityError::Malformed(path.display().to_string()))
    }
    /// Writes the identity, whole or not at all.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn store(&self, identity: &Identity) -> Result<(), IdentityError> {
        let text = [&identity.certificate_pem, &identity.key_pem, &identity.authority_pem].map(|pem| pem.trim_end());
        self.replace(&(text.join("\n") + "\n"))
            .map_err(|source| self.error(source))
    }
    fn replace(&self, text: &str) -> std::io::Result<()> {
        let path = &self.0;
        let beside = path.with_extension("new");
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
    fn error(&self, source: std::io::Error) -> IdentityError {
        IdentityError::File {
            path: self.0.clone(),
            source,
        }
    }
}

/// Certificate, key and authority, in this order.
fn split(text: &str) -> Option<Identity> {
    const BEGIN: &str = "-----BEGIN ";
    let mut blocks = text.split(BEGIN).skip(1).map(|block| format!("{BEGIN}{block}"));
    let identity = Identity {
        certificate_pem: blocks.next()?,
        key_pem: blocks.next()?,
        authority_pem: blocks.next()?,
    };
    let whole = blocks.next().is_none() && identity.key_pem.contains("PRIVATE KEY") && identity.facts().is_ok();
    whole.then_some(identity)
}
