//! Signed documents: CMS SignedData (RFC 5652) around what is signed, with the certificates that vouch for it.

use hongyan_listener::{Seal, TlsError};
use ring::digest;
use rustls::SignatureScheme;
use x509_parser::prelude::{FromDer, X509Certificate};
use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, Tag, construct_der};

// RFC 5652 §4, §5.1, §11.1, §11.2.
const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const SIGNED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 2];
const CONTENT_TYPE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 3];
const MESSAGE_DIGEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 4];
// RFC 5754 §2, RFC 3370 §3.2, RFC 8419 §2.
const SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
const SHA384: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 2];
const SHA512: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 3];
const RSA: &[u64] = &[1, 2, 840, 113_549, 1, 1, 1];
const ECDSA_SHA256: &[u64] = &[1, 2, 840, 10_045, 4, 3, 2];
const ECDSA_SHA384: &[u64] = &[1, 2, 840, 10_045, 4, 3, 3];
const ECDSA_SHA512: &[u64] = &[1, 2, 840, 10_045, 4, 3, 4];
const ED25519: &[u64] = &[1, 3, 101, 112];

/// Why a document could not be signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The certificate cannot be read.
    #[error("read the certificate")]
    Certificate,
    /// The key's kind signs no documents.
    #[error("the certificate's key signs no documents")]
    Key,
    /// Signing failed.
    #[error("sign")]
    Sign(#[source] TlsError),
}

/// The algorithms of one kind of key.
struct Algorithms {
    hash: &'static digest::Algorithm,
    hash_name: &'static [u64],
    signature: &'static [u64],
}

fn algorithms(scheme: SignatureScheme) -> Option<Algorithms> {
    let (hash, hash_name, signature) = match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => (&digest::SHA256, SHA256, ECDSA_SHA256),
        SignatureScheme::ECDSA_NISTP384_SHA384 => (&digest::SHA384, SHA384, ECDSA_SHA384),
        SignatureScheme::ECDSA_NISTP521_SHA512 => (&digest::SHA512, SHA512, ECDSA_SHA512),
        SignatureScheme::ED25519 => (&digest::SHA512, SHA512, ED25519),
        SignatureScheme::RSA_PKCS1_SHA256 => (&digest::SHA256, SHA256, RSA),
        _ => return None,
    };
    Some(Algorithms {
        hash,
        hash_name,
        signature,
    })
}

fn oid(writer: DERWriter<'_>, oid: &[u64]) {
    writer.write_oid(&ObjectIdentifier::from_slice(oid));
}

fn algorithm(writer: DERWriter<'_>, name: &[u64]) {
    writer.write_sequence(|writer| {
        oid(writer.next(), name);
        if name == RSA {
            writer.next().write_null();
        }
    });
}

/// Signs `content` and wraps it up, in DER.
pub(crate) fn signed(content: &[u8], seal: &Seal) -> Result<Vec<u8>, SealError> {
    let own = seal.chain().first().ok_or(SealError::Certificate)?;
    let (_, own) = X509Certificate::from_der(own).map_err(|_| SealError::Certificate)?;
    let algorithms = algorithms(seal.scheme()).ok_or(SealError::Key)?;
    let attributes = attributes(content, &algorithms);
    // RFC 5652 §5.4: signed is the attributes' SET OF, sent is the same with another tag.
    let signature = seal.sign(&attributes).map_err(SealError::Sign)?;
    Ok(construct_der(|writer| {
        writer.write_sequence(|writer| {
            oid(writer.next(), SIGNED_DATA);
            writer.next().write_tagged(Tag::context(0), |writer| {
                writer.write_sequence(|writer| {
                    writer.next().write_u8(1);
                    writer
                        .next()
                        .write_set_of(|writer| algorithm(writer.next(), algorithms.hash_name));
                    writer.next().write_sequence(|writer| {
                        oid(writer.next(), DATA);
                        writer
                            .next()
                            .write_tagged(Tag::context(0), |writer| writer.write_bytes(content));
                    });
                    writer.next().write_tagged_implicit(Tag::context(0), |writer| {
                        writer.write_set_of(|writer| {
                            for certificate in seal.chain() {
                                writer.next().write_der(certificate);
                            }
                        });
                    });
                    writer.next().write_set_of(|writer| {
                        signer(writer.next(), &own, &algorithms, &attributes, &signature);
                    });
                });
            });
        });
    }))
}

/// RFC 5652 §11: the attributes that must be there.
fn attributes(content: &[u8], algorithms: &Algorithms) -> Vec<u8> {
    let hash = digest::digest(algorithms.hash, content);
    construct_der(|writer| {
        writer.write_set_of(|writer| {
            writer.next().write_sequence(|writer| {
                oid(writer.next(), CONTENT_TYPE);
                writer.next().write_set_of(|writer| oid(writer.next(), DATA));
            });
            writer.next().write_sequence(|writer| {
                oid(writer.next(), MESSAGE_DIGEST);
                writer
                    .next()
                    .write_set_of(|writer| writer.next().write_bytes(hash.as_ref()));
            });
        });
    })
}

fn signer(
    writer: DERWriter<'_>,
    own: &X509Certificate<'_>,
    algorithms: &Algorithms,
    attributes: &[u8],
    signature: &[u8],
) {
    writer.write_sequence(|writer| {
        writer.next().write_u8(1);
        writer.next().write_sequence(|writer| {
            writer.next().write_der(own.tbs_certificate.issuer().as_raw());
            writer.next().write_bigint_bytes(own.tbs_certificate.raw_serial(), true);
        });
        algorithm(writer.next(), algorithms.hash_name);
        writer.next().write_der(&implicit(attributes));
        algorithm(writer.next(), algorithms.signature);
        writer.next().write_bytes(signature);
    });
}

/// A SET OF as `[0] IMPLICIT`.
fn implicit(set: &[u8]) -> Vec<u8> {
    const CONTEXT_0_CONSTRUCTED: u8 = 0xa0;
    let mut der = set.to_vec();
    if let Some(tag) = der.first_mut() {
        *tag = CONTEXT_0_CONSTRUCTED;
    }
    der
}
