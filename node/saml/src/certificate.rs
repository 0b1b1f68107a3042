//! The certificates of a provider. Only their keys count: who put them into the settings has said that they are the provider's, so
//! neither their dates nor who issued them are asked for (SAML Metadata Interoperability Profile §2.6.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_types::Timestamp;
use ring::digest::{SHA256, digest};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::Fault;

const OCTETS_MAX: usize = 16 * 1_024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
}

/// How something is signed: SHA-1, MACs and what is not here is not taken.
pub(crate) struct Algorithm {
    kind: Kind,
    algorithm: &'static dyn VerificationAlgorithm,
}

impl Algorithm {
    /// RFC 9231 §2.3.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (base, own) = name.rsplit_once('#')?;
        let of = |kind, algorithm: &'static dyn VerificationAlgorithm| Some(Self { kind, algorithm });
        match (base, own) {
            ("http://www.w3.org/2001/04/xmldsig-more", "rsa-sha256") => {
                of(Kind::Rsa, &signature::RSA_PKCS1_2048_8192_SHA256)
            }
            ("http://www.w3.org/2001/04/xmldsig-more", "rsa-sha384") => {
                of(Kind::Rsa, &signature::RSA_PKCS1_2048_8192_SHA384)
            }
            ("http://www.w3.org/2001/04/xmldsig-more", "rsa-sha512") => {
                of(Kind::Rsa, &signature::RSA_PKCS1_2048_8192_SHA512)
            }
            ("http://www.w3.org/2001/04/xmldsig-more", "ecdsa-sha256") => {
                of(Kind::P256, &signature::ECDSA_P256_SHA256_FIXED)
            }
            ("http://www.w3.org/2001/04/xmldsig-more", "ecdsa-sha384") => {
                of(Kind::P384, &signature::ECDSA_P384_SHA384_FIXED)
            }
            ("http://www.w3.org/2007/05/xmldsig-more", "sha256-rsa-MGF1") => {
                of(Kind::Rsa, &signature::RSA_PSS_2048_8192_SHA256)
            }
            ("http://www.w3.org/2007/05/xmldsig-more", "sha384-rsa-MGF1") => {
                of(Kind::Rsa, &signature::RSA_PSS_2048_8192_SHA384)
            }
            ("http://www.w3.org/2007/05/xmldsig-more", "sha512-rsa-MGF1") => {
                of(Kind::Rsa, &signature::RSA_PSS_2048_8192_SHA512)
            }
            _ => None,
        }
    }
}

/// A provider's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    kind: Kind,
    key: Vec<u8>,
    not_after: Timestamp,
}

/// A certificate, as people compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// SHA-256 of it, hexadecimal.
    pub fingerprint: String,
    /// Until when it says that it is good. It is taken after that, too: it is a reminder.
    pub not_after: Timestamp,
}

impl Certificate {
    /// Reads one: PEM, or base64 of DER as metadata has it.
    ///
    /// # Errors
    /// `Unreadable`: it is none, or its key is of a kind that is not taken.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let wrong = Fault::Unreadable("a certificate is PEM, or base64 of DER");
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("-----"));
        let packed: String = lines.flat_map(str::split_whitespace).collect();
        if packed.len() > OCTETS_MAX {
            return Err(wrong);
        }
        let der = STANDARD.decode(packed).map_err(|_| wrong)?;
        Self::of(der)
    }

    /// Reads one as it is stored.
    ///
    /// # Errors
    /// `Unreadable`.
    pub fn of(der: Vec<u8>) -> Result<Self, Fault> {
        let wrong = || Fault::Unreadable("a certificate is not X.509");
        let weak = || Fault::Unreadable("a certificate's key is RSA of 2048 to 8192 bits, P-256 or P-384");
        let (kind, key, secs) = {
            let (rest, certificate) = X509Certificate::from_der(&der).map_err(|_| wrong())?;
            if !rest.is_empty() {
                return Err(wrong());
            }
            let info = certificate.public_key();
            let kind = match info.parsed() {
                Ok(PublicKey::RSA(key)) if (2_048..=8_192).contains(&key.key_size()) => Kind::Rsa,
                Ok(PublicKey::EC(point)) if point.data().len() == 65 => Kind::P256,
                Ok(PublicKey::EC(point)) if point.data().len() == 97 => Kind::P384,
                _ => return Err(weak()),
            };
            let key = info.subject_public_key.data.to_vec();
            (kind, key, certificate.validity().not_after.timestamp())
        };
        let not_after = Timestamp {
            millis: secs.saturating_mul(1_000),
        };
        Ok(Self {
            der,
            kind,
            key,
            not_after,
        })
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// How people compare it.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let hash = digest(&SHA256, &self.der);
        Shown {
            fingerprint: hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect(),
            not_after: self.not_after,
        }
    }

    /// PEM of it (RFC 7468 §5).
    #[must_use]
    pub fn pem(&self) -> String {
        let packed = STANDARD.encode(&self.der);
        let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
        for line in packed.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
        text
    }

    pub(crate) fn has_signed(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(algorithm.algorithm, &self.key);
        self.kind == algorithm.kind && key.verify(message, signature).is_ok()
    }
}
