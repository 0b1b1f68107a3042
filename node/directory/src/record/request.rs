//! One request that bore a key, at ("dir", "request", key): what was asked, and what was answered.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// A request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestRecord {
    pub(crate) at_millis: i64,
    /// The answer, once it is known.
    pub(crate) answer: Option<Vec<u8>>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    at_millis: i64,
    #[cbor(n(1), with = "minicbor::bytes")]
    answer: Option<Vec<u8>>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(request: &RequestRecord) -> Bytes {
    let body = V1 {
        at_millis: request.at_millis,
        answer: request.answer.clone(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<RequestRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(RequestRecord {
        at_millis: body.at_millis,
        answer: body.answer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let check = |answer: Option<&[u8]>, expect: &str| {
            let request = RequestRecord {
                at_millis: 1_000,
                answer: answer.map(<[u8]>::to_vec),
            };
            let stored = encode(&request);
            assert_eq!(crate::record::hex(&stored), expect);
            assert_eq!(decode(&stored), Ok(request));
        };
        check(None, "010001811903e8");
        check(Some(b"{}"), "010001821903e8427b7d");
    }
}
