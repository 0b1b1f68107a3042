//! An organisation's own certificate (LGN-7): looked over when it comes, kept sealed, shown before what was ordered.
//!
//! What is refused changes nothing, so a renewal that fails leaves the certificate before it in place. One that ends is told
//! to administrators 30, 14 and 3 days before; once it has ended, the authority is asked for its names again.

use std::sync::Arc;

use hongyan_directory::Directory;
use hongyan_listener::CertificatePem;
use hongyan_types::{Domain, TenantId};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::acme::Acme;
use crate::order::AcmeError;
use crate::record::{CertificateRecord, OwnRecord};

/// Longest PEM text, chain or key.
pub const PEM_OCTETS_MAX: usize = 64 << 10;
/// Longest chain.
const CHAIN_MAX: usize = 10;

/// Why a certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// There is no certificate in the text.
    #[error("the certificate is no PEM text of at most 64 KiB with 1 to 10 certificates")]
    NotPem,
    /// There is no key in the text.
    #[error("the key is no PEM text with a private key: PKCS #8, PKCS #1 or SEC1, without a password")]
    NoKey,
    /// The key is another certificate's.
    #[error("the key does not belong to the certificate: it has to be the key that the certificate was requested with")]
    KeyMismatch,
    /// It is over.
    #[error("the certificate expired on {0}")]
    Expired(String),
    /// It has not begun.
    #[error("the certificate is valid only from {0} on")]
    NotYetValid(String),
    /// It is for other names.
    #[error("the certificate is for {found} and not for {domain} or names in it")]
    WrongName {
        /// Its names.
        found: String,
        /// Whose it should be.
        domain: String,
    },
    /// It stands alone.
    #[error("the chain is missing: the certificate of {0} has to follow in the same text")]
    NoChain(String),
    /// Nobody but itself vouches for it.
    #[error("the certificate is signed by itself: clients trust it only if an authority has signed it")]
    SelfSigned,
    /// What follows does not lead on.
    #[error("the chain is broken: {0}")]
    BrokenChain(String),
}

/// Why an own certificate was not set.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// It is not taken.
    #[error(transparent)]
    Fault(#[from] CertificateFault),
    /// It could not be kept.
    #[error(transparent)]
    Acme(#[from] AcmeError),
}

/// Whether a certificate with this name in it serves `host`: the same, or any one label in place of `*`.
pub(crate) fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(_, parent)| parent == rest),
        None => name == host,
    }
}

/// Whether a name, perhaps with a `*`, is a domain or lies in it.
fn is_of(name: &str, domain: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn day(millis: i64) -> String {
    let date = x509_parser::time::ASN1Time::from_timestamp(millis / 1_000);
    date.map_or_else(|_| millis.to_string(), |date| date.to_string())
}

/// Reads chain and key, and says what is wrong with them, if anything is.
pub(crate) fn look_over(
    pem: &CertificatePem,
    domain: &str,
    now_millis: i64,
) -> Result<CertificateRecord, CertificateFault> {
    if pem.certificate.len() > PEM_OCTETS_MAX || pem.key.len() > PEM_OCTETS_MAX {
        return Err(CertificateFault::NotPem);
    }
    let chain = CertificateDer::pem_slice_iter(pem.certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| CertificateFault::NotPem)?;
    let own = chain.first().ok_or(CertificateFault::NotPem)?;
    if chain.len() > CHAIN_MAX {
        return Err(CertificateFault::NotPem);
    }
    check_key(&chain, &pem.key)?;
    let (_, read) = X509Certificate::from_der(own).map_err(|_| CertificateFault::NotPem)?;
    let millis = |time: x509_parser::time::ASN1Time| time.timestamp().saturating_mul(1_000);
    let (not_before_millis, not_after_millis) = (millis(read.validity().not_before), millis(read.validity().not_after));
    if not_after_millis <= now_millis {
        return Err(CertificateFault::Expired(day(not_after_millis)));
    }
    if not_before_millis > now_millis {
        return Err(CertificateFault::NotYetValid(day(not_before_millis)));
    }
    let names = names_of(&read, domain)?;
    check_chain(&chain, &read, &names, now_millis)?;
    Ok(CertificateRecord {
        names,
        chain: pem.certificate.clone(),
        key: pem.key.clone(),
        not_before_millis,
        not_after_millis,
    })
}

fn check_key(chain: &[CertificateDer<'static>], key: &str) -> Result<(), CertificateFault> {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| CertificateFault::NoKey)?;
    let provider = rustls::crypto::ring::default_provider();
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| CertificateFault::NoKey)?;
    match CertifiedKey::new(chain.to_vec(), key).keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
        Err(_) => Err(CertificateFault::KeyMismatch),
    }
}

/// The names in it that are the domain's; others' names are never served with it.
fn names_of(read: &X509Certificate<'_>, domain: &str) -> Result<Vec<String>, CertificateFault> {
    let alternative = read.subject_alternative_name().ok().flatten();
    let general = alternative.iter().flat_map(|found| &found.value.general_names);
    let all: Vec<String> = general
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    let names: Vec<String> = all.iter().filter(|name| is_of(name, domain)).cloned().collect();
    if names.is_empty() {
        return Err(CertificateFault::WrongName {
            found: match all.is_empty() {
                true => "no host name at all".to_owned(),
                false => all.join(", "),
            },
            domain: domain.to_owned(),
        });
    }
    Ok(names)
}

/// Each certificate has to be signed by the next. Whoever the last one is, clients may know it.
fn check_chain(
    chain: &[CertificateDer<'static>],
    own: &X509Certificate<'_>,
    names: &[String],
    now_millis: i64,
) -> Result<(), CertificateFault> {
    let broken = |why: &dyn std::fmt::Display| CertificateFault::BrokenChain(why.to_string());
    let [first, further @ .., last] = chain else {
        return Err(match own.issuer().as_raw() == own.subject().as_raw() {
            true => CertificateFault::SelfSigned,
            false => CertificateFault::NoChain(own.issuer().to_string()),
        });
    };
    let mut wanted = own.issuer().to_string();
    for next in further.iter().chain([last]) {
        let (_, next) = X509Certificate::from_der(next).map_err(|error| broken(&error))?;
        if next.subject().to_string() != wanted {
            let found = next.subject().to_string();
            return Err(broken(&format!("{wanted} is to follow, and {found} does")));
        }
        wanted = next.issuer().to_string();
    }
    let mut anchors = RootCertStore::empty();
    anchors.add(last.clone()).map_err(|error| broken(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(anchors), provider).build();
    let verifier = verifier.map_err(|error| broken(&error))?;
    let host = names.first().map(|name| name.replacen('*', "x", 1)).unwrap_or_default();
    let host = ServerName::try_from(host).map_err(|error| broken(&error))?;
    let now = std::time::Duration::from_millis(u64::try_from(now_millis).unwrap_or(0));
    let verified = verifier.verify_server_cert(first, further, &host, &[], UnixTime::since_unix_epoch(now));
    verified.map(drop).map_err(|error| broken(&error))
}

impl Acme {
    /// Says what is wrong with a certificate for a domain, and takes nothing.
    ///
    /// # Errors
    /// [`OwnError::Fault`].
    pub fn check_own(&self, domain: &Domain, pem: &CertificatePem) -> Result<(), OwnError> {
        look_over(pem, domain.as_str(), self.inner().env.wall_millis())?;
        Ok(())
    }

    /// Takes an organisation's own certificate for its domain: all nodes show it at once.
    ///
    /// # Errors
    /// [`OwnError::Fault`] with what is wrong with it; then the one before stays.
    pub async fn set_own(&self, tenant: TenantId, domain: &Domain, pem: &CertificatePem) -> Result<(), OwnError> {
        let inner = self.inner();
        let subject = domain.as_str();
        let certificate = look_over(pem, subject, inner.env.wall_millis())?;
        let own = OwnRecord { tenant, certificate };
        let kept = inner.store.set_own(subject, own).await;
        kept.map_err(AcmeError::from)?;
        inner.refresh().await?;
        Ok(())
    }

    /// Takes it away again; whether there was one. The authority is asked for its names then.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_own(&self, domain: &Domain) -> Result<bool, AcmeError> {
        let inner = self.inner();
        let was = inner.certificates().await?.own.contains_key(domain.as_str());
        inner.store.forget_own(domain.as_str()).await?;
        inner.refresh().await?;
        Ok(was)
    }
}

/// Whether the domain is still the organisation's that has set the certificate.
pub(crate) async fn is_still_theirs(directory: &Directory, subject: &str, own: &OwnRecord) -> Result<bool, AcmeError> {
    let Ok(domain) = Domain::try_from(subject) else {
        return Ok(false);
    };
    match directory.domain(&domain).await {
        Ok(record) => Ok(record.tenant == own.tenant),
        Err(hongyan_directory::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
#[path = "own_test.rs"]
mod tests;
