//! What did not come as it is, at ("migration", "trouble", migration, account, n).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// A message that did not come, or a folder that became another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Trouble {
    /// The folder at the source.
    #[n(0)]
    pub folder: String,
    /// The message there: its UID or UIDL. Empty for the folder itself.
    #[n(1)]
    pub message: String,
    /// How large it is, where that is known.
    #[n(2)]
    pub octets: Option<u64>,
    /// What is the matter.
    #[n(3)]
    pub reason: String,
}

pub(crate) fn encode(trouble: &Trouble) -> Bytes {
    record::encode(Schema(1), trouble)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Trouble, RecordError> {
    match record::split(stored)? {
        (Schema(1), body) => record::decode_body(body),
        (Schema(other), _) => Err(RecordError::Schema(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let trouble = Trouble {
            folder: "a".to_owned(),
            message: "5".to_owned(),
            octets: Some(9),
            reason: "b".to_owned(),
        };
        let stored = encode(&trouble);
        assert_eq!(
            crate::record::hex(&stored),
            "010001846161 6135 09 6162".replace(' ', "")
        );
        assert_eq!(decode(&stored), Ok(trouble));
    }
}
