//! What is kept of web sessions and trusted devices. Keys, each a tuple:
//!
//! ("acc", "web", hash)                    a session, under the keyed hash of its token
//! ("acc", "web-of", tenant, account, id)  its hash
//! ("acc", "web-id", id)                   its hash
//! ("acc", "web-end", millis, hash)        empty: when it can be swept
//! ("acc", "device", account, id)          a trusted device

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_kv::{Transaction, Tuple};
use hongyan_types::{AccountId, TenantId};
use minicbor::{Decode, Encode};

const V1: Schema = Schema(1);

/// The keyed hash of a session's token.
pub(crate) type TokenHash = [u8; 32];

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct SessionRecord {
    #[n(0)]
    pub(crate) id: u64,
    #[n(1)]
    pub(crate) tenant: u64,
    #[n(2)]
    pub(crate) account: u64,
    /// The password it began with.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) credential: [u8; 16],
    #[n(4)]
    pub(crate) second_done: bool,
    #[n(5)]
    pub(crate) name: String,
    #[n(6)]
    pub(crate) peer: String,
    #[n(7)]
    pub(crate) client: String,
    #[n(8)]
    pub(crate) created_millis: i64,
    #[n(9)]
    pub(crate) seen_millis: i64,
    #[n(10)]
    pub(crate) end_millis: i64,
    #[n(11)]
    pub(crate) proved_millis: i64,
    /// Wrong codes shown to it.
    #[n(12)]
    pub(crate) wrong: u8,
    /// Whether a provider that began it vouches for a second factor.
    #[n(13)]
    pub(crate) vouched: Option<bool>,
    /// When a code sent to the phone was shown last.
    #[n(14)]
    pub(crate) texted_millis: Option<i64>,
    /// Whether the account's password was shown to it.
    #[n(15)]
    pub(crate) by_password: Option<bool>,
    /// Who was told of it.
    #[n(16)]
    pub(crate) participants: Option<Vec<ParticipantRecord>>,
}

/// Somebody who was told of a session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ParticipantRecord {
    #[n(0)]
    pub(crate) name: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) note: Vec<u8>,
    /// Whether it began the session.
    #[n(2)]
    pub(crate) began: bool,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct DeviceRecord {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) hash: [u8; 32],
    /// The password it was trusted under: a new one ends the trust.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) credential: [u8; 16],
    #[n(2)]
    pub(crate) name: String,
    #[n(3)]
    pub(crate) peer: String,
    #[n(4)]
    pub(crate) created_millis: i64,
    #[n(5)]
    pub(crate) seen_millis: i64,
    #[n(6)]
    pub(crate) end_millis: i64,
}

fn acc(kind: &str) -> Tuple {
    Tuple::new().string("acc").string(kind)
}

pub(crate) fn session_key(hash: &TokenHash) -> Bytes {
    acc("web").bytes(hash).pack()
}
pub(crate) fn sessions() -> Tuple {
    acc("web-of")
}
pub(crate) fn sessions_of_tenant(tenant: TenantId) -> Tuple {
    sessions().int(tenant.0)
}
pub(crate) fn sessions_of(tenant: TenantId, account: AccountId) -> Tuple {
    sessions_of_tenant(tenant).int(account.0)
}
pub(crate) fn session_ids() -> Tuple {
    acc("web-id")
}
pub(crate) fn session_id_key(id: u64) -> Bytes {
    session_ids().int(id).pack()
}
pub(crate) fn ends() -> Tuple {
    acc("web-end")
}
pub(crate) fn devices(account: AccountId) -> Tuple {
    acc("device").int(account.0)
}
pub(crate) fn device_key(account: AccountId, id: u64) -> Bytes {
    devices(account).int(id).pack()
}

fn of_key(session: &SessionRecord) -> Bytes {
    sessions_of(TenantId(session.tenant), AccountId(session.account))
        .int(session.id)
        .pack()
}

fn end_key(session: &SessionRecord, hash: &TokenHash) -> Bytes {
    let millis = u64::try_from(session.end_millis).unwrap_or(0);
    ends().int(millis).bytes(hash).pack()
}

/// Writes a session that is new or changed; its end never changes.
pub(crate) fn write(transaction: &mut Transaction, hash: &TokenHash, session: &SessionRecord) {
    transaction.set(session_key(hash), record::encode(V1, session));
    transaction.set(of_key(session), hash.to_vec());
    transaction.set(session_id_key(session.id), hash.to_vec());
    transaction.set(end_key(session, hash), Vec::new());
}

pub(crate) fn clear(transaction: &mut Transaction, hash: &TokenHash, session: &SessionRecord) {
    transaction.clear(&session_key(hash));
    transaction.clear(&of_key(session));
    transaction.clear(&session_id_key(session.id));
    transaction.clear(&end_key(session, hash));
}

pub(crate) fn decode_session(stored: &[u8]) -> Result<SessionRecord, RecordError> {
    record::decode(V1, stored)
}
pub(crate) fn encode_device(device: &DeviceRecord) -> Bytes {
    record::encode(V1, device)
}
pub(crate) fn decode_device(stored: &[u8]) -> Result<DeviceRecord, RecordError> {
    record::decode(V1, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn golden_bytes() {
        let session = SessionRecord {
            id: 9,
            tenant: 3,
            account: 7,
            credential: [0xAA; 16],
            second_done: true,
            name: "a@b".to_owned(),
            peer: "::1".to_owned(),
            client: "X".to_owned(),
            created_millis: 1,
            seen_millis: 2,
            end_millis: 3,
            proved_millis: 4,
            wrong: 5,
            vouched: None,
            texted_millis: None,
            by_password: None,
            participants: None,
        };
        let stored = record::encode(V1, &session);
        let expect = format!("0100018d09030750{}f563614062633a3a31615801 02030405", "aa".repeat(16));
        assert_eq!(hex(&stored), expect.replace(' ', ""));
        assert_eq!(decode_session(&stored), Ok(session.clone()));
        let told = SessionRecord {
            participants: Some(vec![ParticipantRecord {
                name: "p".to_owned(),
                note: vec![6],
                began: true,
            }]),
            ..session
        };
        let stored = record::encode(V1, &told);
        let expect = format!(
            "0100019109030750{}f563614062633a3a3161580102030405 f6f6f6 81836170 4106f5",
            "aa".repeat(16)
        );
        assert_eq!(hex(&stored), expect.replace(' ', ""));
        assert_eq!(decode_session(&stored), Ok(told));
        let device = DeviceRecord {
            hash: [0xBB; 32],
            credential: [0xAA; 16],
            name: "PC".to_owned(),
            peer: "::1".to_owned(),
            created_millis: 1,
            seen_millis: 2,
            end_millis: 3,
        };
        let stored = encode_device(&device);
        let expect = format!(
            "010001875820{}50{}625043633a3a31010203",
            "bb".repeat(32),
            "aa".repeat(16)
        );
        assert_eq!(hex(&stored), expect);
        assert_eq!(decode_device(&stored), Ok(device));
    }
}
