//! The creator's role as it is offered to a member, at ("dir", "of-tenant", tenant, "hand-over") (ADM-7).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

/// An offer that was not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOver {
    /// The creator, who offers.
    pub by: AccountId,
    /// Who is to be it.
    pub to: AccountId,
    /// The offer counts until then.
    pub until: Timestamp,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    by: u64,
    #[n(1)]
    to: u64,
    #[n(2)]
    until_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(offer: &HandOver) -> Bytes {
    let body = V1 {
        by: offer.by.0,
        to: offer.to.0,
        until_millis: offer.until.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<HandOver, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(HandOver {
        by: AccountId(body.by),
        to: AccountId(body.to),
        until: Timestamp {
            millis: body.until_millis,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let offer = HandOver {
            by: AccountId(7),
            to: AccountId(8),
            until: Timestamp { millis: 1_000 },
        };
        let stored = encode(&offer);
        assert_eq!(crate::record::hex(&stored), "0100018307081903e8");
        assert_eq!(decode(&stored), Ok(offer));
    }
}
