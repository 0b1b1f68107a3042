//! A certificate nobody vouches for, for `hongyan dev` and for the first minutes of a new node.

use super::{CertificatePem, TlsError};

/// Makes an ECDSA P-256 key and a self-signed certificate for `names` (host names and IP addresses).
///
/// # Errors
/// [`TlsError::Generate`] when a name is neither.
pub fn self_signed(names: &[String]) -> Result<CertificatePem, TlsError> {
    let made = rcgen::generate_simple_self_signed(names).map_err(TlsError::Generate)?;
    Ok(CertificatePem {
        certificate: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    })
}
