//! Where a delivery went: key kind 7, [delivery id]. A repeat is answered from it.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::{Timestamp, Uid, UidValidity};
use minicbor::{Decode, Encode};

use crate::{DeliverReply, EmailId, FolderId};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct DeliveryV1 {
    #[n(0)]
    millis: i64,
    #[n(1)]
    folder: u32,
    #[n(2)]
    uid_validity: u32,
    #[n(3)]
    uid: u32,
    #[n(4)]
    email: u64,
}

pub(crate) fn encode(at: Timestamp, reply: &DeliverReply) -> Bytes {
    let body = DeliveryV1 {
        millis: at.millis,
        folder: reply.folder.0,
        uid_validity: reply.uid_validity.get(),
        uid: reply.uid.get(),
        email: reply.email.0,
    };
    record::encode(V1, &body)
}

/// When it was, and the reply to a repeat.
pub(crate) fn decode(stored: &[u8]) -> Result<(Timestamp, DeliverReply), StorageError> {
    let body: DeliveryV1 = record::decode(V1, stored)?;
    let zero = || StorageError::Corrupt("delivery record with UID 0".into());
    let reply = DeliverReply {
        folder: FolderId(body.folder),
        uid_validity: UidValidity::new(body.uid_validity).ok_or_else(zero)?,
        uid: Uid::new(body.uid).ok_or_else(zero)?,
        email: EmailId(body.email),
        is_repeat: true,
    };
    Ok((Timestamp { millis: body.millis }, reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let reply = DeliverReply {
            folder: FolderId(1),
            uid_validity: UidValidity::new(9).unwrap(),
            uid: Uid::new(4).unwrap(),
            email: EmailId(7),
            is_repeat: true,
        };
        let at = Timestamp {
            millis: 1_767_225_600_000,
        };
        let stored = encode(at, &reply);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "010001851b0000019b76daa80001090407");
        assert_eq!(decode(&stored).unwrap(), (at, reply));
    }
}
