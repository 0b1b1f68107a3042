//! A mailbox in the recycle bin, at ("dir", "recycled", tenant, account): the account as it was, which is found nowhere
//! else any more. ("dir", "recycled-due", millis, tenant, account) says when it is to go for good.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AccountRecord;
use crate::record::account;

/// How a mailbox came into the recycle bin (MEM-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Encode, Decode)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum RecycleKind {
    /// The person left (MEM-14).
    #[n(0)]
    Deleted,
    /// It was taken from its person (MEM-13).
    #[n(1)]
    Unbound,
    /// A shared mailbox that was taken back (SBX-8).
    #[n(2)]
    Reclaimed,
}

impl RecycleKind {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Unbound => "unbound",
            Self::Reclaimed => "reclaimed",
        }
    }
}

/// A mailbox in the recycle bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecycledRecord {
    /// The account as it will be restored.
    pub account: AccountRecord,
    /// How it came here.
    pub kind: RecycleKind,
    /// Since when it is here.
    pub since: Timestamp,
    /// When it goes for good.
    pub until: Timestamp,
    /// It is going: nothing can be done with it any more.
    pub purging: bool,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    kind: RecycleKind,
    #[n(1)]
    since_millis: i64,
    #[n(2)]
    until_millis: i64,
    #[n(3)]
    purging: bool,
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    account: Vec<u8>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(recycled: &RecycledRecord) -> Bytes {
    let body = V1 {
        kind: recycled.kind,
        since_millis: recycled.since.millis,
        until_millis: recycled.until.millis,
        purging: recycled.purging,
        account: account::encode(&recycled.account).to_vec(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: AccountId, stored: &[u8]) -> Result<RecycledRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let moment = |millis| Timestamp { millis };
    Ok(RecycledRecord {
        account: account::decode(tenant, id, &body.account)?,
        kind: body.kind,
        since: moment(body.since_millis),
        until: moment(body.until_millis),
        purging: body.purging,
    })
}

#[cfg(test)]
mod tests {
    use hongyan_types::Address;

    use super::*;
    use crate::{AccountKind, AccountSettings, AccountState, Profile, Quota, Seat};

    #[test]
    fn golden_bytes() {
        let recycled = RecycledRecord {
            account: AccountRecord {
                id: AccountId(7),
                tenant: TenantId(3),
                state: AccountState::Active,
                address: Address::try_from("a@b.test").unwrap(),
                aliases: Vec::new(),
                display_name: String::new(),
                kind: AccountKind::Member,
                role: None,
                profile: Profile::default(),
                departments: Vec::new(),
                tags: Vec::new(),
                seat: Seat::Standard,
                quota: Quota::default(),
                settings: AccountSettings::default(),
                created: Timestamp { millis: 1_000 },
                language: None,
                limits: crate::Limits::new(),
                restricted: crate::Restrictions::default(),
                address_made_up: false,
                handovers: 0,
            },
            kind: RecycleKind::Unbound,
            since: Timestamp { millis: 2_000 },
            until: Timestamp { millis: 3_000 },
            purging: true,
        };
        let stored = encode(&recycled);
        assert_eq!(
            crate::record::hex(&stored),
            "01000185011907d0190bb8f5582001000189f4686140622e746573748060f6f689f5f5f50001f5f5f4f51903e8f4"
        );
        assert_eq!(decode(TenantId(3), AccountId(7), &stored), Ok(recycled));
    }
}
