//! A request on its way to another node, and the answer: service 2 of the wire protocol.
//!
//! `[length u16 BE][head][request]`, so that a large request is not copied into its envelope. Enums grow at their end.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hongyan_transport::codec::{self, CodecError};
use serde::{Deserialize, Serialize};

/// What stands before a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallHead {
    V1 {
        /// The entity's kind.
        kind: String,
        /// The entity's key.
        key: Vec<u8>,
        /// Under which a repeat is recognised.
        id: u128,
    },
}

/// What stands before a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AnswerHead {
    /// The entity's reply follows.
    Done,
    /// Another node owns it, as far as the answering one knows; or nobody at the moment.
    Moved(Option<u64>),
    /// The entity's intake is full.
    Overloaded,
    /// The entity cannot answer now.
    Unavailable,
    /// The asker's time is over.
    Deadline,
    /// This kind of entity, or this request, is unknown here: a node of another release.
    NotServed,
    /// The reply is too large for a call: to be asked for again by a stream.
    Large,
}

pub(crate) fn encode(head: &impl Serialize, body: &[u8]) -> Result<Bytes, CodecError> {
    let head = codec::encode(head)?;
    let mut out = BytesMut::with_capacity(2 + head.len() + body.len());
    out.put_u16(u16::try_from(head.len()).unwrap_or(u16::MAX));
    out.put_slice(&head);
    out.put_slice(body);
    Ok(out.freeze())
}

/// Head and body; `None` when it is none.
pub(crate) fn decode<H: serde::de::DeserializeOwned>(mut bytes: Bytes) -> Option<(H, Bytes)> {
    let length = usize::from(bytes.try_get_u16().ok()?);
    if length > bytes.len() {
        return None;
    }
    let head = bytes.split_to(length);
    Some((codec::decode(&head).ok()?, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<H: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(head: &H, hex: &str) {
        let bytes = encode(head, b"body").unwrap();
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, format!("{hex}626f6479"));
        for cut in 0..bytes.len() - 4 {
            assert!(decode::<H>(bytes.slice(..cut)).is_none());
        }
        let (read, body) = decode::<H>(bytes).unwrap();
        assert_eq!((&read, &body[..]), (head, &b"body"[..]));
    }

    #[test]
    fn recorded_bytes() {
        let call = CallHead::V1 {
            kind: "box".into(),
            key: vec![1, 2],
            id: 7,
        };
        check(&call, "0009000362 6f78 02 0102 07".replace(' ', "").as_str());
        for (answer, hex) in [
            (AnswerHead::Done, "000100"),
            (AnswerHead::Moved(None), "00020100"),
            (AnswerHead::Moved(Some(3)), "0003010103"),
            (AnswerHead::Overloaded, "000102"),
            (AnswerHead::Unavailable, "000103"),
            (AnswerHead::Deadline, "000104"),
            (AnswerHead::NotServed, "000105"),
            (AnswerHead::Large, "000106"),
        ] {
            check(&answer, hex);
        }
    }
}
