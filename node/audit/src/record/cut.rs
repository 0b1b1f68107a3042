//! Where a chain begins, at ("aud", chain, "cut"): the last entry that was removed because it was kept long enough.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

use crate::{Cut, Hash, Head};

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    sequence: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[n(2)]
    until_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(cut: Cut) -> Bytes {
    let body = V1 {
        sequence: cut.last.sequence,
        hash: cut.last.hash.0,
        until_millis: cut.until.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Cut, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Cut {
        last: Head {
            sequence: body.sequence,
            hash: Hash(body.hash),
        },
        until: Timestamp {
            millis: body.until_millis,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let cut = Cut {
            last: Head {
                sequence: 7,
                hash: Hash([0xAB; 32]),
            },
            until: Timestamp { millis: 1_000 },
        };
        let stored = encode(cut);
        let expect = format!("01000183075820{}1903e8", "ab".repeat(32));
        assert_eq!(crate::record::hex(&stored), expect);
        assert_eq!(decode(&stored), Ok(cut));
    }
}
