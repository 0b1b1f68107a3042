//! Signed tokens (RFC 7515, RFC 7519), read and verified: what is not signed by a key of the provider's, in a way that is on the
//! list, is not looked at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use crate::Fault;
use crate::keys::{Key, Keys};

/// Longest token, in characters.
const CHARACTERS_MAX: usize = 64 * 1_024;

/// How a token may be signed: none and shared secrets are not on the list.
#[derive(Clone, Copy)]
pub(crate) enum Algorithm {
    Rsa(&'static RsaParameters),
    Plain(&'static str, &'static dyn VerificationAlgorithm),
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            "PS384" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            "PS512" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            "ES256" => Self::Plain("P-256", &signature::ECDSA_P256_SHA256_FIXED),
            "ES384" => Self::Plain("P-384", &signature::ECDSA_P384_SHA384_FIXED),
            "EdDSA" => Self::Plain("Ed25519", &signature::ED25519),
            _ => return None,
        })
    }

    fn verifies(self, key: &Key, message: &[u8], signature: &[u8]) -> bool {
        match (self, key) {
            (Self::Rsa(parameters), Key::Rsa { modulus, exponent }) => {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, message, signature).is_ok()
            }
            (Self::Plain(curve, algorithm), Key::Point { curve: own, octets }) => {
                curve == own
                    && UnparsedPublicKey::new(algorithm, octets)
                        .verify(message, signature)
                        .is_ok()
            }
            _ => false,
        }
    }

    /// Whether it takes keys of that kind.
    pub(crate) fn takes(self, key: &Key) -> bool {
        match (self, key) {
            (Self::Rsa(_), Key::Rsa { .. }) => true,
            (Self::Plain(curve, _), Key::Point { curve: own, .. }) => curve == own,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token that was taken apart; nothing of it is believed yet.
pub(crate) struct Token<'t> {
    algorithm: Algorithm,
    pub(crate) key: Option<String>,
    signed: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    pub(crate) fn read(text: &'t str) -> Result<Self, Fault> {
        let unreadable = || Fault::Unreadable("token");
        if text.len() > CHARACTERS_MAX {
            return Err(unreadable());
        }
        let (signed, signature) = text.rsplit_once('.').ok_or_else(unreadable)?;
        let (header, payload) = signed.split_once('.').ok_or_else(unreadable)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable());
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| unreadable())?;
        // RFC 7515 §4.1.11: we know none of what may be critical.
        if header.crit.is_some() {
            return Err(unreadable());
        }
        let algorithm = Algorithm::named(&header.alg);
        let shown = || header.alg.chars().filter(|c| c.is_ascii_graphic()).take(16).collect();
        Ok(Self {
            algorithm: algorithm.ok_or_else(|| Fault::Algorithm(shown()))?,
            key: header.kid,
            signed,
            payload,
            signature: decode(signature)?,
        })
    }

    /// Whether one of the keys may be the one that signed it.
    pub(crate) fn is_known_to(&self, keys: &Keys) -> bool {
        keys.fitting(self.key.as_deref(), self.algorithm).next().is_some()
    }

    /// What it claims, once one of the keys was found to have signed it.
    pub(crate) fn claims<T: for<'d> Deserialize<'d>>(&self, keys: &Keys) -> Result<T, Fault> {
        let mut fitting = keys.fitting(self.key.as_deref(), self.algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(Fault::Key);
        }
        if !fitting.any(|key| self.algorithm.verifies(key, self.signed.as_bytes(), &self.signature)) {
            return Err(Fault::Signature);
        }
        let unreadable = |_| Fault::Unreadable("token");
        let payload = URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| Fault::Unreadable("token"))?;
        serde_json::from_slice(&payload).map_err(unreadable)
    }
}
