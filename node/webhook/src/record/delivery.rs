//! One delivery with its body, at ("webhook", "delivery", webhook, number).

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode as read, encode_sized};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

/// Attempts that are remembered of a delivery.
const ATTEMPTS_MAX: usize = 20;

/// One time that it was posted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Attempt {
    /// When, in milliseconds since the Unix epoch.
    #[n(0)]
    pub at_millis: i64,
    /// How long it took, in milliseconds.
    #[n(1)]
    pub took_millis: u64,
    /// What the receiver answered, if it did.
    #[n(2)]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[n(3)]
    pub error: Option<String>,
}

impl Attempt {
    /// Whether the receiver has taken it.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its number in the webhook, from 1.
    pub number: u64,
    /// When it was made.
    pub created: Timestamp,
    /// What is posted, the same each time.
    pub body: String,
    /// The latest attempts, the oldest first.
    pub attempts: Vec<Attempt>,
}

impl DeliveryRecord {
    pub(crate) fn tried(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
        let excess = self.attempts.len().saturating_sub(ATTEMPTS_MAX);
        self.attempts.drain(..excess);
    }
    /// Whether the receiver has taken it.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.attempts.iter().any(Attempt::is_taken)
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    created_millis: i64,
    #[n(1)]
    body: String,
    #[n(2)]
    attempts: Vec<Attempt>,
}

const SCHEMA: Schema = Schema(1);

pub(crate) fn encode(delivery: &DeliveryRecord) -> Bytes {
    let body = V1 {
        created_millis: delivery.created.millis,
        body: delivery.body.clone(),
        attempts: delivery.attempts.clone(),
    };
    encode_sized(SCHEMA, &body, delivery.body.len() + 512)
}

pub(crate) fn decode(number: u64, stored: &[u8]) -> Result<DeliveryRecord, RecordError> {
    let body: V1 = read(SCHEMA, stored)?;
    Ok(DeliveryRecord {
        number,
        created: Timestamp {
            millis: body.created_millis,
        },
        body: body.body,
        attempts: body.attempts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut delivery = DeliveryRecord {
            number: 2,
            created: Timestamp { millis: 3 },
            body: "{}".to_owned(),
            attempts: Vec::new(),
        };
        delivery.tried(Attempt {
            at_millis: 4,
            took_millis: 5,
            status: Some(204),
            error: None,
        });
        let golden = b"\x01\x00\x01\x83\x03\x62{}\x81\x83\x04\x05\x18\xcc";
        assert_eq!(&encode(&delivery)[..], golden);
        assert_eq!(decode(2, golden), Ok(delivery));
    }
}
