//! The certificate of one subject, at ("acme", "certificate", subject). A subject is a domain; the operator's own is "".

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CertificateRecord {
    /// Host names that it is for, as A-labels.
    pub(crate) names: Vec<String>,
    /// The chain as PEM, its own certificate first.
    pub(crate) chain: String,
    /// The private key as PEM.
    pub(crate) key: String,
    /// When it began.
    pub(crate) not_before_millis: i64,
    /// When it ends.
    pub(crate) not_after_millis: i64,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    names: Vec<String>,
    #[n(1)]
    chain: String,
    #[n(2)]
    key: String,
    #[n(3)]
    not_before_millis: i64,
    #[n(4)]
    not_after_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(record: CertificateRecord) -> Bytes {
    let body = V1 {
        names: record.names,
        chain: record.chain,
        key: record.key,
        not_before_millis: record.not_before_millis,
        not_after_millis: record.not_after_millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<CertificateRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(CertificateRecord {
        names: body.names,
        chain: body.chain,
        key: body.key,
        not_before_millis: body.not_before_millis,
        not_after_millis: body.not_after_millis,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let record = CertificateRecord {
            names: vec!["a.test".to_owned()],
            chain: "C".to_owned(),
            key: "K".to_owned(),
            not_before_millis: 1,
            not_after_millis: 2,
        };
        let stored = encode(record.clone());
        assert_eq!(crate::record::hex(&stored), "010001858166612e746573746143614b0102");
        assert!(decode(&stored) == Ok(record));
    }
}
