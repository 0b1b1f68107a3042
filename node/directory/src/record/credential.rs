//! What proves an account's password, at ("dir", "credential", account). Made and checked by `node/access`.

use std::fmt;

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// SCRAM-SHA-256 keys (RFC 5802 §3).
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    /// Salt.
    pub salt: Vec<u8>,
    /// PBKDF2 rounds.
    pub iterations: u32,
    /// `H(ClientKey)`.
    pub stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: [u8; 32],
}

/// An account's password as hashes, all of the same password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Argon2id in PHC string form; carries its own parameters and salt.
    pub password_hash: String,
    /// The keys for SCRAM-SHA-256.
    pub scram: ScramKeys,
    /// When the password was set, in milliseconds since the Unix epoch.
    pub set_millis: i64,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramKeys(..)")
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    password_hash: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    salt: Vec<u8>,
    #[n(2)]
    iterations: u32,
    #[cbor(n(3), with = "minicbor::bytes")]
    stored_key: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    server_key: [u8; 32],
    #[n(5)]
    set_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(credential: &Credential) -> Bytes {
    let body = V1 {
        password_hash: credential.password_hash.clone(),
        salt: credential.scram.salt.clone(),
        iterations: credential.scram.iterations,
        stored_key: credential.scram.stored_key,
        server_key: credential.scram.server_key,
        set_millis: credential.set_millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Credential, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Credential {
        password_hash: body.password_hash,
        scram: ScramKeys {
            salt: body.salt,
            iterations: body.iterations,
            stored_key: body.stored_key,
            server_key: body.server_key,
        },
        set_millis: body.set_millis,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let credential = Credential {
            password_hash: "$argon2id$x".to_owned(),
            scram: ScramKeys {
                salt: vec![1, 2],
                iterations: 4096,
                stored_key: [0xAA; 32],
                server_key: [0xBB; 32],
            },
            set_millis: 1_000,
        };
        let stored = encode(&credential);
        assert_eq!(
            crate::record::hex(&stored),
            "010001866b246172676f6e32696424784201021910005820aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa5820bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb1903e8"
        );
        assert_eq!(decode(&stored), Ok(credential));
    }

    #[test]
    fn never_prints_secrets() {
        let credential = Credential {
            password_hash: "hash".to_owned(),
            scram: ScramKeys {
                salt: vec![],
                iterations: 1,
                stored_key: [0; 32],
                server_key: [0; 32],
            },
            set_millis: 0,
        };
        assert_eq!(
            format!("{credential:?} {:?}", credential.scram),
            "Credential(..) ScramKeys(..)"
        );
    }
}
