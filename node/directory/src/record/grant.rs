//! What one account lets others do with its mailbox, at ("dir", "grant", account, kind, id); where that leads back from those
//! who may is at ("dir", "granted", tenant, kind, id, account).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DepartmentId;

/// As whom someone may send who may send for an account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema, Encode, Decode,
)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum Sending {
    /// They may not.
    #[default]
    #[n(0)]
    No,
    /// As themselves, on behalf of the account: recipients see both names.
    #[n(1)]
    OnBehalf,
    /// As the account.
    #[n(2)]
    As,
}

/// What someone may do with an account's mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GrantRights {
    /// See its folders and mails.
    pub read: bool,
    /// Change them: flags, folders, mails in and out.
    pub write: bool,
    /// Send for it.
    pub send: Sending,
}

impl GrantRights {
    /// All that can be granted.
    pub const FULL: Self = Self {
        read: true,
        write: true,
        send: Sending::As,
    };
    /// What the one or the other gives.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
            send: self.send.max(other.send),
        }
    }
}

/// Whom something is granted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// A member.
    Account(AccountId),
    /// Everyone of a department, with all below.
    Department(DepartmentId),
}

impl Grantee {
    pub(crate) fn code(self) -> (u64, u64) {
        match self {
            Self::Account(id) => (0, id.0),
            Self::Department(id) => (1, u64::from(id.0)),
        }
    }
    pub(crate) fn from_code(kind: u64, id: u64) -> Option<Self> {
        match kind {
            0 => Some(Self::Account(AccountId(id))),
            1 => Some(Self::Department(DepartmentId(u32::try_from(id).ok()?))),
            _ => None,
        }
    }
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRecord {
    /// Whose mailbox.
    pub account: AccountId,
    /// Who may.
    pub to: Grantee,
    /// What.
    pub rights: GrantRights,
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None` is until it is taken back.
    pub until: Option<Timestamp>,
    /// Whoever granted it has stopped it; it is kept to be seen.
    pub stopped: bool,
}

impl GrantRecord {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.stopped && self.until.is_none_or(|until| now < until)
    }
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
    from_millis: i64,
    #[n(4)]
    until_millis: Option<i64>,
    /// Absent unless it is so.
    #[n(5)]
    stopped: Option<bool>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(grant: &GrantRecord) -> Bytes {
    let body = V1 {
        read: grant.rights.read,
        write: grant.rights.write,
        send: grant.rights.send,
        from_millis: grant.from.millis,
        until_millis: grant.until.map(|until| until.millis),
        stopped: grant.stopped.then_some(true),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(account: AccountId, to: Grantee, stored: &[u8]) -> Result<GrantRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(GrantRecord {
        account,
        to,
        rights: GrantRights {
            read: body.read,
            write: body.write,
            send: body.send,
        },
        from: Timestamp {
            millis: body.from_millis,
        },
        until: body.until_millis.map(|millis| Timestamp { millis }),
        stopped: body.stopped == Some(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let grant = GrantRecord {
            account: AccountId(7),
            to: Grantee::Account(AccountId(8)),
            rights: GrantRights::FULL,
            from: Timestamp { millis: 1_000 },
            until: Some(Timestamp { millis: 2_000 }),
            stopped: false,
        };
        let stored = encode(&grant);
        assert_eq!(crate::record::hex(&stored), "01000185f5f5021903e81907d0");
        assert_eq!(decode(AccountId(7), grant.to, &stored).as_ref(), Ok(&grant));
        assert!(grant.holds(Timestamp { millis: 1_999 }) && !grant.holds(Timestamp { millis: 2_000 }));
        let stopped = GrantRecord { stopped: true, ..grant };
        let stored = encode(&stopped);
        assert_eq!(crate::record::hex(&stored), "01000186f5f5021903e81907d0f5");
        assert_eq!(decode(AccountId(7), grant.to, &stored).as_ref(), Ok(&stopped));
        assert!(!stopped.holds(Timestamp { millis: 1_000 }));
        for to in [grant.to, Grantee::Department(DepartmentId(9))] {
            let (kind, id) = to.code();
            assert_eq!(Grantee::from_code(kind, id), Some(to));
        }
    }
}
