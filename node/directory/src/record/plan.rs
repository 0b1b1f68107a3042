//! One plan, at ("dir", "plan", folded name): what the operator offers organisations (PLAN-1).

use std::collections::BTreeSet;

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Etag, Limit, Limits};

/// What a plan may leave out (PLAN-3, PLAN-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Tokens of programs.
    Api,
    /// Administrators of departments and functions.
    DelegatedAdministrators,
    /// Networks from which members sign in.
    NetworkLimits,
    /// Secretaries: one member acts for another.
    Secretary,
    /// An own place where signing out leads (LGN-10).
    ExitPage,
    /// An own look of the page to sign in (LGN-2).
    SignInPage,
}

impl Feature {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Api,
        Self::DelegatedAdministrators,
        Self::NetworkLimits,
        Self::Secretary,
        Self::ExitPage,
        Self::SignInPage,
    ];
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::DelegatedAdministrators => "delegated-administrators",
            Self::NetworkLimits => "network-limits",
            Self::Secretary => "secretary",
            Self::ExitPage => "exit-page",
            Self::SignInPage => "sign-in-page",
        }
    }
    fn code(self) -> u8 {
        match self {
            Self::Api => 0,
            Self::DelegatedAdministrators => 1,
            Self::NetworkLimits => 2,
            Self::Secretary => 3,
            Self::ExitPage => 4,
            Self::SignInPage => 5,
        }
    }
    fn stored(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.code() == code)
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRecord {
    /// Its name, unique without regard to case.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it leaves out: a function that comes later is in every plan until it is taken out.
    pub without: BTreeSet<Feature>,
    /// What it allows.
    pub limits: Limits,
}

impl PlanRecord {
    /// Changes whenever the plan does.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(self))
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    name: String,
    #[n(1)]
    created_millis: i64,
    #[n(2)]
    without: Vec<u8>,
    #[n(3)]
    limits: Vec<(u8, u64)>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn stored_limits(limits: &Limits) -> Vec<(u8, u64)> {
    limits.iter().map(|(limit, value)| (limit.code(), *value)).collect()
}

pub(crate) fn read_limits(stored: &[(u8, u64)]) -> Limits {
    let known = |(code, value): &(u8, u64)| Some((Limit::stored(*code)?, *value));
    stored.iter().filter_map(known).collect()
}

pub(crate) fn encode(plan: &PlanRecord) -> Bytes {
    let body = V1 {
        name: plan.name.clone(),
        created_millis: plan.created.millis,
        without: plan.without.iter().map(|feature| feature.code()).collect(),
        limits: stored_limits(&plan.limits),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<PlanRecord, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(PlanRecord {
        name: body.name,
        created: Timestamp {
            millis: body.created_millis,
        },
        without: body.without.into_iter().filter_map(Feature::stored).collect(),
        limits: read_limits(&body.limits),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let plan = PlanRecord {
            name: "Basic".to_owned(),
            created: Timestamp { millis: 1_000 },
            without: BTreeSet::from([Feature::Api, Feature::Secretary]),
            limits: Limits::from([(Limit::DomainsPerTenantMax, 1)]),
        };
        let stored = encode(&plan);
        assert_eq!(
            crate::record::hex(&stored),
            "010001846542617369631903e8820003818201 01".replace(' ', "")
        );
        assert_eq!(decode(&stored), Ok(plan));
    }
}
