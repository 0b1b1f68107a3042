//! What a webhook's deliveries are signed with, at ("webhook", "secret", webhook): how it is kept, and the octets.

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode as read, encode as write};
use minicbor::{Decode, Encode};

#[derive(Encode, Decode)]
struct V1 {
    /// How the octets are kept.
    #[n(0)]
    form: Form,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    octets: Vec<u8>,
}

/// How a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
enum Form {
    /// As it is.
    #[n(0)]
    Plain,
}

const SCHEMA: Schema = Schema(1);

pub(crate) fn encode(secret: &str) -> Bytes {
    let body = V1 {
        form: Form::Plain,
        octets: secret.as_bytes().to_vec(),
    };
    write(SCHEMA, &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<String, RecordError> {
    let V1 {
        form: Form::Plain,
        octets,
    } = read(SCHEMA, stored)?;
    String::from_utf8(octets).map_err(|_| RecordError::Body("secret of a webhook".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let golden = b"\x01\x00\x01\x82\x00\x42ab";
        assert_eq!(&encode("ab")[..], golden);
        assert_eq!(decode(golden), Ok("ab".to_owned()));
    }
}
