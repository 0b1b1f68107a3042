//! Where a chain ends, at ("aud", chain, "head").

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

use crate::Hash;

/// The end of a chain. Noted elsewhere, it proves later that nothing up to it was altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last entry's number; 0 when there is none yet.
    pub sequence: u64,
    /// The last entry's hash; zeros when there is none yet.
    pub hash: Hash,
}

impl Head {
    pub(crate) const START: Self = Self {
        sequence: 0,
        hash: Hash([0; 32]),
    };
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    sequence: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    hash: [u8; 32],
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(head: Head) -> Bytes {
    let body = V1 {
        sequence: head.sequence,
        hash: head.hash.0,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Head, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Head {
        sequence: body.sequence,
        hash: Hash(body.hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let head = Head {
            sequence: 7,
            hash: Hash([0xAB; 32]),
        };
        let stored = encode(head);
        let expect = format!("01000182075820{}", "ab".repeat(32));
        assert_eq!(crate::record::hex(&stored), expect);
        assert_eq!(decode(&stored), Ok(head));
    }
}
