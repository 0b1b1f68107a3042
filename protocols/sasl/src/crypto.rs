//! HMAC, hash and comparison as SCRAM uses them. No key is too long or too short, so nothing here fails.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A SHA-256 output.
pub(crate) type Hash = [u8; 32];

pub(crate) fn hash(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

pub(crate) fn hmac(key: &[u8], data: &[u8]) -> Hash {
    // RFC 2104 §2: a key longer than a block is hashed, a shorter one padded with zeros.
    let mut block = [0_u8; 64];
    let hashed;
    let key = if key.len() > block.len() {
        hashed = hash(key);
        hashed.as_slice()
    } else {
        key
    };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(data);
    mac.finalize().into_bytes().into()
}

pub(crate) fn xor(left: &Hash, right: &Hash) -> Hash {
    let mut out = *left;
    for (to, from) in out.iter_mut().zip(right) {
        *to ^= from;
    }
    out
}

/// Compares without a branch that depends on the content.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && std::hint::black_box(left.iter().zip(right).fold(0_u8, |seen, (a, b)| seen | (a ^ b))) == 0
}
