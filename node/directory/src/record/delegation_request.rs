//! Someone who asks to act for another member, at ("dir", "asked", principal, asker) (DLG-3).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};

use crate::{GrantRights, Sending};

/// What someone asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelegationRequest {
    /// Whose mailbox.
    pub account: AccountId,
    /// Who asks.
    pub by: AccountId,
    /// What for.
    pub rights: GrantRights,
    /// Days from the moment when it is granted.
    pub days: u32,
    /// When they asked.
    pub at: Timestamp,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    read: bool,
    #[n(1)]
    write: bool,
    #[n(2)]
    send: Sending,
    #[n(3)]
    days: u32,
    #[n(4)]
    at_millis: i64,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(request: &DelegationRequest) -> Bytes {
    let body = V1 {
        read: request.rights.read,
        write: request.rights.write,
        send: request.rights.send,
        days: request.days,
        at_millis: request.at.millis,
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(account: AccountId, by: AccountId, stored: &[u8]) -> Result<DelegationRequest, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(DelegationRequest {
        account,
        by,
        rights: GrantRights {
            read: body.read,
            write: body.write,
            send: body.send,
        },
        days: body.days,
        at: Timestamp { millis: body.at_millis },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let request = DelegationRequest {
            account: AccountId(7),
            by: AccountId(8),
            rights: GrantRights::FULL,
            days: 30,
            at: Timestamp { millis: 1_000 },
        };
        let stored = encode(&request);
        assert_eq!(crate::record::hex(&stored), "01000185f5f502181e1903e8");
        assert_eq!(decode(AccountId(7), AccountId(8), &stored), Ok(request));
    }
}
