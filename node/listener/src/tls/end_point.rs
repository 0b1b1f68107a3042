//! `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate, by the hash of its signature.

use ring::digest;

/// The binding's octets, or none where the RFC leaves it undefined (Ed25519, unknown algorithms).
pub(super) fn hash(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = signature_algorithm(certificate)?;
    Some(digest::digest(hash_of(algorithm)?, certificate).as_ref().to_vec())
}

/// RFC 5929 §4.1: MD5 and SHA-1 are replaced by SHA-256.
fn hash_of(oid: &[u8]) -> Option<&'static digest::Algorithm> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    if oid == ECDSA_SHA1 {
        return Some(&digest::SHA256);
    }
    let (family, last) = oid.split_at_checked(oid.len().checked_sub(1)?)?;
    match (family, last) {
        (RSA, [4 | 5 | 11]) | (ECDSA_SHA2, [2]) => Some(&digest::SHA256),
        (RSA, [12]) | (ECDSA_SHA2, [3]) => Some(&digest::SHA384),
        (RSA, [13]) | (ECDSA_SHA2, [4]) => Some(&digest::SHA512),
        _ => None,
    }
}

/// The OID of `Certificate.signatureAlgorithm` (RFC 5280 §4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(certificate, 0x30)?;
    let (_, after_tbs) = element(body, 0x30)?;
    let (identifier, _) = element(after_tbs, 0x30)?;
    element(identifier, 0x06).map(|(oid, _)| oid)
}

/// Splits one DER element of that tag off: its content, and what follows.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if octets.len() > 4 {
            return None;
        }
        let length = octets.iter().fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
        (length, rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn a_p256_certificate_is_hashed_with_sha256() {
        let pem = super::super::self_signed(&["mail.example.test".to_owned()]).unwrap();
        let der = CertificateDer::from_pem_slice(pem.certificate.as_bytes()).unwrap();
        assert_eq!(
            hash(&der).unwrap(),
            digest::digest(&digest::SHA256, &der).as_ref().to_vec()
        );
    }

    #[test]
    fn what_is_no_certificate_has_no_hash() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x03\x30\x01\x00",
            b"\x04\x00",
        ] {
            assert_eq!(hash(bytes), None);
        }
    }
}
