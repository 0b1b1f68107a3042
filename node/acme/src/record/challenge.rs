//! What the authority is answered that asks whether a name is ours, at ("acme", "challenge", token).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// The answer to a challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ChallengeRecord {
    /// The host name that is to be proven.
    pub(crate) name: String,
    /// The key authorization (RFC 8555 §8.1).
    pub(crate) authorization: String,
    /// When it was asked for.
    pub(crate) created_millis: i64,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    name: String,
    #[n(1)]
    authorization: String,
    #[n(2)]
    created_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(record: ChallengeRecord) -> Bytes {
    let body = V1 {
        name: record.name,
        authorization: record.authorization,
        created_millis: record.created_millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<ChallengeRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(ChallengeRecord {
        name: body.name,
        authorization: body.authorization,
        created_millis: body.created_millis,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let record = ChallengeRecord {
            name: "a.test".to_owned(),
            authorization: "t.k".to_owned(),
            created_millis: 1,
        };
        let stored = encode(record.clone());
        assert_eq!(crate::record::hex(&stored), "0100018366612e7465737463742e6b01");
        assert!(decode(&stored) == Ok(record));
    }
}
