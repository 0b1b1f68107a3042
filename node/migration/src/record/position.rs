//! How far one folder of a source is, at ("migration", "folder", migration, account, hash of its name).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

/// How far one folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct Position {
    /// Its UIDVALIDITY then.
    #[n(0)]
    pub(crate) uid_validity: u32,
    /// The last UID that is done with.
    #[n(1)]
    pub(crate) uid: u32,
}

pub(crate) fn encode(position: Position) -> Bytes {
    record::encode(Schema(1), &position)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Position, RecordError> {
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
        let position = Position {
            uid_validity: 1,
            uid: 300,
        };
        let stored = encode(position);
        assert_eq!(crate::record::hex(&stored), "0100018201 19012c".replace(' ', ""));
        assert_eq!(decode(&stored), Ok(position));
    }
}
