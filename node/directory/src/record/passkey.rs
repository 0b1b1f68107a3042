//! A passkey (WebAuthn): the public key with which a member signs in; part of what proves an account ([`super::factors`]).
//!
//! Its sign counter and when it was used last change with every use and are kept elsewhere.

use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its number in the account, never given out again.
    pub id: u32,
    /// What its owner calls it.
    pub name: String,
    /// What its authenticator calls it.
    pub credential: Vec<u8>,
    /// Its public key, as COSE writes it (RFC 9053 §2).
    pub public_key: Vec<u8>,
    /// How browsers reach its authenticator, in their words.
    pub transports: Vec<String>,
    /// Whether its authenticator asked for a PIN, a finger or a face when it was made.
    pub is_verifying: bool,
    /// Whether its maker may copy it to other devices of its owner.
    pub is_synced: bool,
    /// When it was made.
    pub created: Timestamp,
}

#[derive(Encode, Decode)]
pub(crate) struct PasskeyV1 {
    #[n(0)]
    id: u32,
    #[n(1)]
    name: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    credential: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    public_key: Vec<u8>,
    #[n(4)]
    transports: Vec<String>,
    #[n(5)]
    is_verifying: bool,
    #[n(6)]
    is_synced: bool,
    #[n(7)]
    created_millis: i64,
}

impl From<&Passkey> for PasskeyV1 {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name.clone(),
            credential: passkey.credential.clone(),
            public_key: passkey.public_key.clone(),
            transports: passkey.transports.clone(),
            is_verifying: passkey.is_verifying,
            is_synced: passkey.is_synced,
            created_millis: passkey.created.millis,
        }
    }
}

impl From<PasskeyV1> for Passkey {
    fn from(stored: PasskeyV1) -> Self {
        Self {
            id: stored.id,
            name: stored.name,
            credential: stored.credential,
            public_key: stored.public_key,
            transports: stored.transports,
            is_verifying: stored.is_verifying,
            is_synced: stored.is_synced,
            created: Timestamp {
                millis: stored.created_millis,
            },
        }
    }
}
