//! One invitation, at ("dir", "invitation", tenant, invitation). Its text is not kept: who shows it is found by its hash, at
//! ("dir", "invitation-hash", hash).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, Domain, TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::record::read_domain;
use crate::{DepartmentId, TokenHash};

/// An invitation of a tenant; never 0, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvitationId(pub u32);

impl std::fmt::Display for InvitationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A way in for whoever has its text (MEM-3, MEM-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its identifier.
    pub id: InvitationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Over its text.
    pub hash: TokenHash,
    /// What it is for, for people.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Where who joins gets an address.
    pub domain: Domain,
    /// Where who joins belongs.
    pub department: Option<DepartmentId>,
    /// Whether an administrator looks at who wants to join (MEM-8).
    pub review: bool,
    /// How many may join by it; `None` is no limit.
    pub uses_max: Option<u32>,
    /// How many did, or asked to.
    pub used: u32,
    /// The member whom it lets in, who is there already; `None` makes new ones.
    pub account: Option<AccountId>,
    /// When it was taken back; since then nobody finds it by its text.
    pub revoked: Option<Timestamp>,
}

/// What an invitation is good for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationStanding {
    /// It lets somebody in.
    Open,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Over,
    /// As many have joined by it as may.
    UsedUp,
    /// Its organisation is suspended.
    Closed,
}

impl InvitationRecord {
    /// Whether it still lets somebody in.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.standing(now) == InvitationStanding::Open
    }
    /// What it is good for, as far as it says itself.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> InvitationStanding {
        if self.revoked.is_some() {
            InvitationStanding::Revoked
        } else if now >= self.expires {
            InvitationStanding::Over
        } else if self.uses_max.is_some_and(|max| self.used >= max) {
            InvitationStanding::UsedUp
        } else {
            InvitationStanding::Open
        }
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[cbor(n(0), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[n(1)]
    label: String,
    #[n(2)]
    created_millis: i64,
    #[n(3)]
    expires_millis: i64,
    #[n(4)]
    domain: String,
    #[n(5)]
    department: Option<u32>,
    #[n(6)]
    review: bool,
    #[n(7)]
    uses_max: Option<u32>,
    #[n(8)]
    used: u32,
    #[n(9)]
    account: Option<u64>,
    #[n(10)]
    revoked_millis: Option<i64>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(invitation: &InvitationRecord) -> Bytes {
    let body = V1 {
        hash: invitation.hash.0,
        label: invitation.label.clone(),
        created_millis: invitation.created.millis,
        expires_millis: invitation.expires.millis,
        domain: invitation.domain.as_str().to_owned(),
        department: invitation.department.map(|id| id.0),
        review: invitation.review,
        uses_max: invitation.uses_max,
        used: invitation.used,
        account: invitation.account.map(|id| id.0),
        revoked_millis: invitation.revoked.map(|at| at.millis),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: InvitationId, stored: &[u8]) -> Result<InvitationRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(InvitationRecord {
        id,
        tenant,
        hash: TokenHash(body.hash),
        label: body.label,
        created: Timestamp {
            millis: body.created_millis,
        },
        expires: Timestamp {
            millis: body.expires_millis,
        },
        domain: read_domain(&body.domain)?,
        department: body.department.map(DepartmentId),
        review: body.review,
        uses_max: body.uses_max,
        used: body.used,
        account: body.account.map(AccountId),
        revoked: body.revoked_millis.map(|millis| Timestamp { millis }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let invitation = InvitationRecord {
            id: InvitationId(4),
            tenant: TenantId(3),
            hash: TokenHash([7; 32]),
            label: "All".to_owned(),
            created: Timestamp { millis: 1_000 },
            expires: Timestamp { millis: 2_000 },
            domain: Domain::try_from("a.test").unwrap(),
            department: Some(DepartmentId(5)),
            review: true,
            uses_max: Some(6),
            used: 1,
            account: Some(AccountId(8)),
            revoked: None,
        };
        let stored = encode(&invitation);
        let expect = format!(
            "0100018a5820{}63416c6c1903e81907d066612e7465737405f5060108",
            "07".repeat(32)
        );
        assert_eq!(crate::record::hex(&stored), expect);
        assert_eq!(decode(TenantId(3), InvitationId(4), &stored), Ok(invitation.clone()));
        let revoked = InvitationRecord {
            revoked: Some(Timestamp { millis: 3_000 }),
            ..invitation
        };
        let stored = encode(&revoked);
        let grown = format!("{}190bb8", expect.replacen("8a58", "8b58", 1));
        assert_eq!(crate::record::hex(&stored), grown);
        assert_eq!(decode(TenantId(3), InvitationId(4), &stored), Ok(revoked));
    }
}
