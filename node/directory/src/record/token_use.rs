//! When a token was last used, at ("dir", "token-use", token).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

/// The last use of a token, to the minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    /// When.
    pub at: Timestamp,
    /// From what address.
    pub from: String,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    from: String,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(used: &TokenUse) -> Bytes {
    let body = V1 {
        at_millis: used.at.millis,
        from: used.from.clone(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<TokenUse, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(TokenUse {
        at: Timestamp { millis: body.at_millis },
        from: body.from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let used = TokenUse {
            at: Timestamp { millis: 1_000 },
            from: "::1".to_owned(),
        };
        let stored = encode(&used);
        assert_eq!(crate::record::hex(&stored), "010001821903e8633a3a31");
        assert_eq!(decode(&stored), Ok(used));
    }
}
