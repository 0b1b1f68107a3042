//! One recipient of a submission, at ("trail", tenant, account, 1, submission, address).

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode, encode};
use minicbor::{Decode, Encode};

/// Parameters of an envelope's address, as they were given.
pub type Parameters = Vec<(String, Option<String>)>;

/// How far a message has come to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Delivered {
    /// It waits.
    #[n(0)]
    Queued,
    /// It is in the mailbox.
    #[n(1)]
    Yes,
    /// It will never be.
    #[n(2)]
    No,
    /// Another host has taken it over; no more is known.
    #[n(3)]
    Unknown,
}

/// A recipient and what became of the message for them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Recipient {
    /// Its place in the envelope.
    #[n(0)]
    pub index: u32,
    /// The address as it was given.
    #[n(1)]
    pub address: String,
    /// Parameters of the envelope.
    #[n(2)]
    pub parameters: Parameters,
    /// How far it has come.
    #[n(3)]
    pub delivered: Delivered,
    /// The last reply: code, enhanced status and words.
    #[n(4)]
    pub reply: String,
    /// Whether the recipient has said that they have seen it.
    #[n(5)]
    pub displayed: bool,
}

/// What is said of a recipient to whom nothing goes while the sender is disabled (MEM-15).
pub const HELD: &str = "Held: the sender's mailbox is disabled; it leaves when that ends";

const V1: Schema = Schema(1);

/// Octets kept of a reply.
const REPLY_OCTETS_MAX: usize = 512;

impl Recipient {
    /// One that waits.
    #[must_use]
    pub fn queued(index: u32, address: String) -> Self {
        Self {
            index,
            address,
            parameters: Vec::new(),
            delivered: Delivered::Queued,
            reply: "250 2.0.0 Queued".to_owned(),
            displayed: false,
        }
    }
    /// Whether nothing goes to it while the sender is disabled.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.delivered == Delivered::Queued && self.reply.ends_with(HELD)
    }
    pub(crate) fn tell(&mut self, delivered: Delivered, reply: &str) {
        self.delivered = delivered;
        reply[..reply.floor_char_boundary(REPLY_OCTETS_MAX)].clone_into(&mut self.reply);
    }
    pub(crate) fn encode(&self) -> Bytes {
        encode(V1, self)
    }
    pub(crate) fn decode(stored: &[u8]) -> Result<Self, RecordError> {
        decode(V1, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let recipient = Recipient {
            index: 2,
            address: "a@b.test".to_owned(),
            parameters: vec![("NOTIFY".to_owned(), Some("NEVER".to_owned())), ("X".to_owned(), None)],
            delivered: Delivered::Unknown,
            reply: "250 ok".to_owned(),
            displayed: false,
        };
        let golden = b"\x01\x00\x01\x86\x02\x68a@b.test\x82\x82\x66NOTIFY\x65NEVER\x82\x61X\xf6\x03\x66250 ok\xf4";
        assert_eq!(&recipient.encode()[..], golden);
        assert_eq!(Recipient::decode(golden), Ok(recipient));
    }
}
