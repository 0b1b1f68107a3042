//! What a certificate says.

use std::fmt;
use std::time::Duration;

use hongyan_transport::{ClusterId, NodeId};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::IdentityError;

/// How long certificates are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// An authority's.
    pub authority: Duration,
    /// A node's.
    pub node: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            authority: DAY.saturating_mul(20 * 365),
            node: DAY.saturating_mul(90),
        }
    }
}

/// BLAKE3 of a certificate's DER form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of `certificate` (DER).
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(*blake3::hash(certificate).as_bytes())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a node's certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its host names.
    pub names: Vec<String>,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// From when it is good, in milliseconds since the Unix epoch.
    pub not_before_millis: i64,
    /// Until when.
    pub not_after_millis: i64,
}

impl CertificateFacts {
    /// Reads a certificate (DER).
    ///
    /// # Errors
    /// [`IdentityError::Malformed`].
    pub fn read(certificate: &[u8]) -> Result<Self, IdentityError> {
        let malformed = |error: &dyn fmt::Display| IdentityError::Malformed(error.to_string());
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| malformed(&error))?;
        let names = parsed.subject_alternative_name().map_err(|error| malformed(&error))?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        let validity = parsed.validity();
        Ok(Self {
            names: names.collect(),
            serial: parsed.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            not_before_millis: validity.not_before.timestamp().saturating_mul(1000),
            not_after_millis: validity.not_after.timestamp().saturating_mul(1000),
        })
    }
    /// Which node of which cluster it is.
    ///
    /// # Errors
    /// [`IdentityError::NoNode`].
    pub fn node(&self) -> Result<(ClusterId, NodeId), IdentityError> {
        let read = |name: &String| {
            let cluster: ClusterId = name.split('.').nth(1)?.parse().ok()?;
            let node = cluster.node_of(name)?;
            Some((cluster, node))
        };
        let found = self.names.iter().find_map(read);
        found.ok_or_else(|| IdentityError::NoNode(self.names.join(", ")))
    }
}

/// The first certificate of a PEM text, as DER.
pub(crate) fn der_of(pem: &str) -> Result<CertificateDer<'static>, IdentityError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| IdentityError::Malformed(error.to_string()))
}
