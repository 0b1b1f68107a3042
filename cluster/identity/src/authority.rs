//! The cluster's authority: signs that a key is a node's. And the keys that nodes make.

use std::fmt;
use std::time::Duration;

use hongyan_env::Env;
use hongyan_transport::{ClusterId, NodeId};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::CertificateSigningRequestDer;

use crate::certificate::der_of;
use crate::{Fingerprint, IdentityError};

/// How long before its making a certificate is good: clocks differ.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(3600);
/// Random octets of a serial number.
const SERIAL_OCTETS: usize = 16;

/// A certificate that signs others, with its key.
pub struct Authority {
    certificate_pem: String,
    key_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes the authority of a new cluster.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn create(env: &Env, cluster: &ClusterId, lifetime: Duration) -> Result<Self, IdentityError> {
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let mut params = dated(env, lifetime);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name = named(&format!("Hongyan cluster {cluster}"));
        let certificate_pem = CertifiedIssuer::self_signed(params, key)?.pem();
        Self::from_pem(certificate_pem, key_pem)
    }
    /// Reads an authority that [`Self::create`] made.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`].
    pub fn from_pem(certificate_pem: String, key_pem: String) -> Result<Self, IdentityError> {
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, KeyPair::from_pem(&key_pem)?)?;
        Ok(Self {
            certificate_pem,
            key_pem,
            issuer,
        })
    }
    /// Its certificate, which everybody may see.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }
    /// Its key, which is the cluster's dearest secret.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
    /// By which a joining node recognises the cluster.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`].
    pub fn fingerprint(&self) -> Result<Fingerprint, IdentityError> {
        Ok(Fingerprint::of(&der_of(&self.certificate_pem)?))
    }
    /// Signs that the key in `request` is that of `node`; whatever else the request asks for is ignored. The certificate
    /// comes back as PEM.
    ///
    /// # Errors
    /// [`IdentityError::Malformed`] when the request is none, or not signed by its own key.
    pub fn sign(
        &self,
        env: &Env,
        request: &KeyRequest,
        (cluster, node): (&ClusterId, NodeId),
        lifetime: Duration,
    ) -> Result<String, IdentityError> {
        let der = CertificateSigningRequestDer::from(request.0.as_slice());
        let mut asked = CertificateSigningRequestParams::from_der(&der)?;
        let name = cluster.node_name(node);
        let mut params = dated(env, lifetime);
        params.subject_alt_names = CertificateParams::new(vec![name.clone()])?.subject_alt_names;
        params.distinguished_name = named(&name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        asked.params = params;
        Ok(asked.signed_by(&self.issuer)?.pem())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A node's key. Never leaves the node.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// Makes one.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, IdentityError> {
        Ok(Self(KeyPair::generate()?))
    }
    /// Asks for its certificate.
    ///
    /// # Errors
    /// When it cannot sign.
    pub fn request(&self) -> Result<KeyRequest, IdentityError> {
        let request = CertificateParams::default().serialize_request(&self.0)?;
        Ok(KeyRequest(request.der().to_vec()))
    }
    /// The key as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKey").finish_non_exhaustive()
    }
}

/// A signing request (PKCS #10, DER): a public key, and the proof that its owner asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest(pub Vec<u8>);

fn dated(env: &Env, lifetime: Duration) -> CertificateParams {
    let now = Duration::from_millis(u64::try_from(env.wall_millis()).unwrap_or(0));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.not_before = epoch + now.saturating_sub(CLOCK_TOLERANCE);
    params.not_after = epoch + (now + lifetime);
    let mut serial = [0; SERIAL_OCTETS];
    env.fill_random(&mut serial);
    // Positive, and as long in every encoding.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
