//! The form of every stored value: `[format u8 = 1][schema u16 big-endian][minicbor body]`.
//!
//! The schema number is the version of that kind of record, so `enum Stored { V1(..), V2(..) }` of the record's
//! owner picks the decoder by it; every version once written stays readable (golden-bytes tests of the owners).

use bytes::Bytes;
use minicbor::{Decode, Encode};

/// The only format so far.
pub const FORMAT: u8 = 1;
/// Octets before the body.
pub const HEADER_OCTETS: usize = 3;

/// The version of one kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schema(pub u16);

/// Why a value is not a readable record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Shorter than a header.
    #[error("record is truncated")]
    Truncated,
    /// Written by a release with another format.
    #[error("record format {0} is unknown")]
    Format(u8),
    /// Written by a newer release, or not this kind of record.
    #[error("record schema {0} is unknown")]
    Schema(u16),
    /// The body does not decode.
    #[error("record body: {0}")]
    Body(String),
}

impl From<RecordError> for crate::Error {
    fn from(error: RecordError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// A record's stored bytes.
///
/// # Panics
/// When `body` refuses to encode, which a derived encoder into memory never does.
#[must_use]
pub fn encode<T: Encode<()>>(schema: Schema, body: &T) -> Bytes {
    encode_sized(schema, body, 128)
}

/// [`encode`] for a body of about `octets`, so that a large one is not moved while it grows.
///
/// # Panics
/// As [`encode`].
#[must_use]
pub fn encode_sized<T: Encode<()>>(schema: Schema, body: &T, octets: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(octets);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&schema.0.to_be_bytes());
    minicbor::encode(body, &mut bytes).expect("a derived encoder into memory does not fail");
    bytes.into()
}

/// Splits stored bytes into schema and body.
///
/// # Errors
/// When the header is not ours.
pub fn split(stored: &[u8]) -> Result<(Schema, &[u8]), RecordError> {
    match stored {
        [FORMAT, high, low, body @ ..] => Ok((Schema(u16::from_be_bytes([*high, *low])), body)),
        [format, _, _, ..] => Err(RecordError::Format(*format)),
        _ => Err(RecordError::Truncated),
    }
}

/// Decodes a body split off by [`split`]; it may borrow from it.
///
/// # Errors
/// When the body is not a `T`.
pub fn decode_body<'b, T: Decode<'b, ()>>(body: &'b [u8]) -> Result<T, RecordError> {
    minicbor::decode(body).map_err(|error| RecordError::Body(error.to_string()))
}

/// Decodes a record that has only ever had the one schema `schema`.
///
/// # Errors
/// When it has another, or its body is not a `T`.
pub fn decode<'b, T: Decode<'b, ()>>(schema: Schema, stored: &'b [u8]) -> Result<T, RecordError> {
    match split(stored)? {
        (found, body) if found == schema => decode_body(body),
        (found, _) => Err(RecordError::Schema(found.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let stored = encode(Schema(0x0102), &(5u8, "a"));
        assert_eq!(&stored[..], b"\x01\x01\x02\x82\x05\x61a");
        assert_eq!(decode::<(u8, &str)>(Schema(0x0102), &stored), Ok((5, "a")));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(split(b"\x01\x00"), Err(RecordError::Truncated));
        assert_eq!(split(b"\x02\x00\x01"), Err(RecordError::Format(2)));
        assert_eq!(
            decode::<u8>(Schema(1), b"\x01\x00\x02\x05"),
            Err(RecordError::Schema(2))
        );
        assert!(matches!(
            decode::<u8>(Schema(1), b"\x01\x00\x01\x61a"),
            Err(RecordError::Body(_))
        ));
    }
}
