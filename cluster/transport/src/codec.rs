//! How payloads become bytes: bincode, with a bound on what a decoder takes.
//!
//! It has no schema evolution: enums only grow at their end, structs never change, and what does change is a new
//! variant. Never for stored records.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most octets a decoder allocates for one value, whatever the value claims to hold.
pub const DECODED_OCTETS_MAX: usize = 64 << 20;

/// The value cannot be written, or the bytes are none.
#[derive(Debug, thiserror::Error)]
#[error("payload cannot be coded: {0}")]
pub struct CodecError(String);

/// Writes `value`.
///
/// # Errors
/// When its `Serialize` refuses.
pub fn encode<T: Serialize>(value: &T) -> Result<Bytes, CodecError> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .map(Bytes::from)
        .map_err(|error| CodecError(error.to_string()))
}

/// Reads a value that takes all of `bytes`.
///
/// # Errors
/// When it is cut, too large, followed by something else, or of another type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let config = bincode::config::standard().with_limit::<DECODED_OCTETS_MAX>();
    let (value, read) =
        bincode::serde::decode_from_slice(bytes, config).map_err(|error| CodecError(error.to_string()))?;
    if read != bytes.len() {
        return Err(CodecError("octets are left over".to_owned()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let value = (7_u64, "text".to_owned(), Some(vec![1_u8, 2]));
        let bytes = encode(&value).unwrap();
        assert_eq!(decode::<(u64, String, Option<Vec<u8>>)>(&bytes).unwrap(), value);
        assert!(decode::<(u64, String, Option<Vec<u8>>)>(&bytes[..bytes.len() - 1]).is_err());
        let longer = [&bytes[..], &[0]].concat();
        assert!(decode::<(u64, String, Option<Vec<u8>>)>(&longer).is_err());
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        // A list of 2^60 numbers, says its length.
        let bytes = [253, 0, 0, 0, 0, 0, 0, 0, 16];
        assert!(decode::<Vec<u64>>(&bytes).is_err());
    }
}
