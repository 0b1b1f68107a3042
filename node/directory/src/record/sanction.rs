//! What the operator did against abuse, at ("dir", "sanction", tenant, number) (ORG-16). What holds because of it is in the
//! records of the tenant and the account.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::{AccountId, TenantId, Timestamp};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names a sanction within its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SanctionId(pub u32);

/// How grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SanctionKind {
    /// Words only.
    Warning,
    /// Some functions do not work.
    Limit,
    /// No sign-in, no mail, until it is lifted.
    Suspension,
    /// The same, for good: what there is goes when what has ended goes.
    Closure,
}

impl SanctionKind {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Limit => "limit",
            Self::Suspension => "suspension",
            Self::Closure => "closure",
        }
    }
    fn code(self) -> u8 {
        match self {
            Self::Warning => 0,
            Self::Limit => 1,
            Self::Suspension => 2,
            Self::Closure => 3,
        }
    }
    fn stored(code: u8) -> Result<Self, RecordError> {
        match code {
            0 => Ok(Self::Warning),
            1 => Ok(Self::Limit),
            2 => Ok(Self::Suspension),
            3 => Ok(Self::Closure),
            _ => Err(RecordError::Body("kind of a sanction".to_owned())),
        }
    }
}

/// Functions that do not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Restrictions {
    /// Nothing is sent: by clients, over JMAP.
    pub sending: bool,
    /// Nothing is sent to other systems.
    pub sending_outside: bool,
}

impl Restrictions {
    /// Whether everything works.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
    /// What either of two forbids.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            sending: self.sending || other.sending,
            sending_outside: self.sending_outside || other.sending_outside,
        }
    }
    pub(crate) fn bits(self) -> u8 {
        u8::from(self.sending) | u8::from(self.sending_outside) << 1
    }
    pub(crate) fn of_bits(bits: u8) -> Self {
        Self {
            sending: bits & 1 != 0,
            sending_outside: bits & 2 != 0,
        }
    }
}

/// One sanction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SanctionRecord {
    /// Its number.
    pub id: SanctionId,
    /// Whose.
    pub tenant: TenantId,
    /// Of which member; none is the whole organisation.
    pub account: Option<AccountId>,
    /// The member's address then.
    pub address: Option<String>,
    /// How grave.
    pub kind: SanctionKind,
    /// With a limit: what does not work.
    pub restrictions: Restrictions,
    /// Why, as those concerned are told.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When it was lifted, and why.
    pub lifted: Option<(Timestamp, String)>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    account: Option<u64>,
    #[n(1)]
    address: Option<String>,
    #[n(2)]
    kind: u8,
    #[n(3)]
    restrictions: u8,
    #[n(4)]
    reason: String,
    #[n(5)]
    at_millis: i64,
    #[n(6)]
    lifted_millis: Option<i64>,
    #[n(7)]
    lifted_reason: Option<String>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(sanction: &SanctionRecord) -> Bytes {
    let body = V1 {
        account: sanction.account.map(|account| account.0),
        address: sanction.address.clone(),
        kind: sanction.kind.code(),
        restrictions: sanction.restrictions.bits(),
        reason: sanction.reason.clone(),
        at_millis: sanction.at.millis,
        lifted_millis: sanction.lifted.as_ref().map(|(at, _)| at.millis),
        lifted_reason: sanction.lifted.as_ref().map(|(_, reason)| reason.clone()),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(tenant: TenantId, id: SanctionId, stored: &[u8]) -> Result<SanctionRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let lifted = body.lifted_millis.map(|millis| {
        let reason = body.lifted_reason.clone().unwrap_or_default();
        (Timestamp { millis }, reason)
    });
    Ok(SanctionRecord {
        id,
        tenant,
        account: body.account.map(AccountId),
        address: body.address,
        kind: SanctionKind::stored(body.kind)?,
        restrictions: Restrictions::of_bits(body.restrictions),
        reason: body.reason,
        at: Timestamp { millis: body.at_millis },
        lifted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let sanction = SanctionRecord {
            id: SanctionId(1),
            tenant: TenantId(3),
            account: Some(AccountId(7)),
            address: None,
            kind: SanctionKind::Limit,
            restrictions: Restrictions {
                sending: false,
                sending_outside: true,
            },
            reason: "spam".to_owned(),
            at: Timestamp { millis: 1_000 },
            lifted: None,
        };
        let stored = encode(&sanction);
        assert_eq!(crate::record::hex(&stored), "010001a500070201030204647370616d051903e8");
        assert_eq!(decode(TenantId(3), SanctionId(1), &stored), Ok(sanction.clone()));
        let lifted = SanctionRecord {
            lifted: Some((Timestamp { millis: 2_000 }, "mended".to_owned())),
            ..sanction
        };
        let stored = encode(&lifted);
        assert_eq!(decode(TenantId(3), SanctionId(1), &stored), Ok(lifted));
    }
}
