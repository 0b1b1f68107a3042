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
