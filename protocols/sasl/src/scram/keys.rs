//! What the server keeps instead of a password (RFC 5802 §3).

use std::fmt;

use crate::crypto::{Hash, equal, hash, hmac, xor};

/// Least iteration count of RFC 7677 §4.
pub const ITERATIONS_MIN: u32 = 4096;
/// Iterations of newly derived keys: a few milliseconds, and bearable for clients on phones.
pub const ITERATIONS_DEFAULT: u32 = 10_000;

/// Verifier of a password. Knowing it lets one impersonate the server, not the user.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKeys {
    /// Random octets, at least 16.
    pub salt: Vec<u8>,
    /// PBKDF2 rounds.
    pub iterations: u32,
    /// `H(ClientKey)`.
    pub stored_key: Hash,
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: Hash,
}

impl StoredKeys {
    /// Derives the keys of an already prepared password (see [`crate::prepare`]). Costs `iterations` HMACs: not on an arbiter.
    #[must_use]
    pub fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = salted_password(password, salt, iterations);
        Self {
            salt: salt.to_vec(),
            iterations: iterations.max(1),
            stored_key: hash(&hmac(&salted, b"Client Key")),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// Whether `password` (prepared) is the one these keys were derived from. Costs as much as deriving.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        equal(
            &Self::derive(password, &self.salt, self.iterations).stored_key,
            &self.stored_key,
        )
    }

    pub(crate) fn accepts(&self, proof: &Hash, auth_message: &[u8]) -> bool {
        let client_key = xor(proof, &hmac(&self.stored_key, auth_message));
        equal(&hash(&client_key), &self.stored_key)
    }

    pub(crate) fn signature(&self, auth_message: &[u8]) -> Hash {
        hmac(&self.server_key, auth_message)
    }
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKeys")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// `Hi(password, salt, i)`.
pub(crate) fn salted_password(password: &str, salt: &[u8], iterations: u32) -> Hash {
    let mut out = [0_u8; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password.as_bytes(), salt, iterations.max(1), &mut out);
    out
}

/// The proof a client sends and the signature it expects back.
pub(crate) fn client_proof(salted: &Hash, auth_message: &[u8]) -> (Hash, Hash) {
    let client_key = hmac(salted, b"Client Key");
    let proof = xor(&client_key, &hmac(&hash(&client_key), auth_message));
    (proof, hmac(&hmac(salted, b"Server Key"), auth_message))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::scram::auth_message;

    #[test]
    fn exchange_of_rfc_7677_section_3() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let message = auth_message(
            "n=user,r=rOprNGfwEbeRWgbNEkqO",
            &format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
            &format!("c=biws,r={nonce}"),
        );
        let (proof, signature) = client_proof(&salted_password("pencil", &salt, 4096), &message);
        assert_eq!(STANDARD.encode(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        assert_eq!(
            STANDARD.encode(signature),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        let keys = StoredKeys::derive("pencil", &salt, 4096);
        assert!(keys.accepts(&proof, &message));
        assert_eq!(keys.signature(&message), signature);
        assert!(!keys.accepts(&[0; 32], &message));
    }
}
