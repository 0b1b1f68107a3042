//! Our account with one authority, at ("acme", "account", directory).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// An account and its key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AccountRecord {
    /// As the ACME library writes them, in JSON.
    pub(crate) credentials: String,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    credentials: String,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(record: AccountRecord) -> Bytes {
    let body = V1 {
        credentials: record.credentials,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<AccountRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(AccountRecord {
        credentials: body.credentials,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let record = AccountRecord {
            credentials: "{}".to_owned(),
        };
        let stored = encode(record.clone());
        assert_eq!(crate::record::hex(&stored), "01000181627b7d");
        assert!(decode(&stored) == Ok(record));
    }
}
