//! The key of a certificate, to sign what is not a handshake.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use super::TlsError;

/// What documents are signed with; each key can do one of them.
const SCHEMES: [SignatureScheme; 5] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PKCS1_SHA256,
];

/// A certificate that can sign.
pub struct Seal {
    certified: Arc<CertifiedKey>,
    signer: Box<dyn rustls::sign::Signer>,
}

impl Seal {
    /// `None` when the key's kind signs no documents.
    pub(super) fn new(certified: Arc<CertifiedKey>) -> Option<Self> {
        let signer = certified.key.choose_scheme(&SCHEMES)?;
        Some(Self { certified, signer })
    }
    /// The chain, the certificate of the key first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }
    /// How it signs.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.signer.scheme()
    }
    /// Signs.
    ///
    /// # Errors
    /// [`TlsError::Unusable`] when the key cannot.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TlsError> {
        self.signer.sign(message).map_err(TlsError::Unusable)
    }
}
