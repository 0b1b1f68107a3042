//! What failed last for one subject, at ("acme", "failure", subject).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// What failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FailureRecord {
    /// How often in a row.
    pub(crate) failures: u32,
    /// When last.
    pub(crate) last_millis: i64,
    /// When it is tried again.
    pub(crate) next_millis: i64,
    /// Why, for a person.
    pub(crate) text: String,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    failures: u32,
    #[n(1)]
    last_millis: i64,
    #[n(2)]
    next_millis: i64,
    #[n(3)]
    text: String,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(record: FailureRecord) -> Bytes {
    let body = V1 {
        failures: record.failures,
        last_millis: record.last_millis,
        next_millis: record.next_millis,
        text: record.text,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<FailureRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(FailureRecord {
        failures: body.failures,
        last_millis: body.last_millis,
        next_millis: body.next_millis,
        text: body.text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let record = FailureRecord {
            failures: 3,
            last_millis: 1,
            next_millis: 2,
            text: "no".to_owned(),
        };
        let stored = encode(record.clone());
        assert_eq!(crate::record::hex(&stored), "01000184030102626e6f");
        assert!(decode(&stored) == Ok(record));
    }
}
