//! Terms that members accept before they use the web client (AUTH-29), at ("dir", "terms", tenant); those of the installation are
//! those of tenant 0. What was accepted is among the account's factors.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

/// Longest text in one language, in octets.
pub(crate) const TEXT_OCTETS_MAX: usize = 40_000;

/// Terms as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// One more with each new text; 0 when there never was any.
    pub version: u32,
    /// In English; empty with the other when nothing is to be accepted.
    pub english: String,
    /// In Chinese.
    pub chinese: String,
    /// Since when.
    pub since: Timestamp,
}

impl Terms {
    /// Whether they have to be accepted.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !(self.english.is_empty() && self.chinese.is_empty())
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    version: u32,
    #[n(1)]
    english: String,
    #[n(2)]
    chinese: String,
    #[n(3)]
    since_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(terms: &Terms) -> Bytes {
    let body = V1 {
        version: terms.version,
        english: terms.english.clone(),
        chinese: terms.chinese.clone(),
        since_millis: terms.since.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Terms, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Terms {
        version: body.version,
        english: body.english,
        chinese: body.chinese,
        since: Timestamp {
            millis: body.since_millis,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let terms = Terms {
            version: 2,
            english: "a".to_owned(),
            chinese: "b".to_owned(),
            since: Timestamp { millis: 9 },
        };
        let stored = encode(&terms);
        assert_eq!(crate::record::hex(&stored), "01000184026161616209");
        assert_eq!(decode(&stored), Ok(terms));
    }
}
