//! The plan of one tenant and what else bounds it, at ("dir", "plan-use", tenant); none is the one plan with everything.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

use crate::record::plan::{read_limits, stored_limits};
use crate::{Etag, Limits};

/// What a tenant has of plans (PLAN-2, PLAN-5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanUse {
    /// The name of its plan; none has everything.
    pub plan: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// The name of the plan that follows then; none has everything.
    pub fallback: Option<String>,
    /// Advanced seats; none is as many as are wanted.
    pub seats: Option<u64>,
    /// The latest time at which it was looked at: a clock that is set back brings nothing back.
    pub seen: Option<Timestamp>,
    /// Days before the end of which administrators were told last.
    pub told_days: Option<u32>,
    /// Limits that the operator set for this organisation alone.
    pub by_operator: Limits,
    /// Limits that its administrators set.
    pub by_administrators: Limits,
}

impl PlanUse {
    /// Changes whenever it does, but for when it was looked at.
    #[must_use]
    pub fn etag(&self) -> Etag {
        Etag::of(&encode(&Self {
            seen: None,
            told_days: None,
            ..self.clone()
        }))
    }
    /// The plan that holds at `now`, by name; the latest time ever seen counts.
    #[must_use]
    pub fn plan_at(&self, now: Timestamp) -> Option<&str> {
        let now = self.seen.map_or(now, |seen| seen.max(now));
        match self.until {
            Some(until) if until <= now => self.fallback.as_deref(),
            _ => self.plan.as_deref(),
        }
    }
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    plan: Option<String>,
    #[n(1)]
    since_millis: Option<i64>,
    #[n(2)]
    until_millis: Option<i64>,
    #[n(3)]
    fallback: Option<String>,
    #[n(4)]
    seats: Option<u64>,
    #[n(5)]
    seen_millis: Option<i64>,
    #[n(6)]
    told_days: Option<u32>,
    #[n(7)]
    by_operator: Vec<(u8, u64)>,
    #[n(8)]
    by_administrators: Vec<(u8, u64)>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(used: &PlanUse) -> Bytes {
    let millis = |at: Option<Timestamp>| at.map(|at| at.millis);
    let body = V1 {
        plan: used.plan.clone(),
        since_millis: millis(used.since),
        until_millis: millis(used.until),
        fallback: used.fallback.clone(),
        seats: used.seats,
        seen_millis: millis(used.seen),
        told_days: used.told_days,
        by_operator: stored_limits(&used.by_operator),
        by_administrators: stored_limits(&used.by_administrators),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<PlanUse, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let moment = |millis: Option<i64>| millis.map(|millis| Timestamp { millis });
    Ok(PlanUse {
        plan: body.plan,
        since: moment(body.since_millis),
        until: moment(body.until_millis),
        fallback: body.fallback,
        seats: body.seats,
        seen: moment(body.seen_millis),
        told_days: body.told_days,
        by_operator: read_limits(&body.by_operator),
        by_administrators: read_limits(&body.by_administrators),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limit;

    fn at(millis: i64) -> Timestamp {
        Timestamp { millis }
    }

    #[test]
    fn golden_bytes() {
        let used = PlanUse {
            plan: Some("Pro".to_owned()),
            since: Some(at(1_000)),
            until: Some(at(2_000)),
            fallback: Some("Basic".to_owned()),
            seats: Some(3),
            seen: Some(at(1_500)),
            told_days: Some(7),
            by_operator: Limits::from([(Limit::DomainsPerTenantMax, 2)]),
            by_administrators: Limits::new(),
        };
        let stored = encode(&used);
        assert_eq!(
            crate::record::hex(&stored),
            "010001896350726f1903e81907d065426173696303190 5dc078182010280".replace(' ', "")
        );
        assert_eq!(decode(&stored), Ok(used));
    }

    #[test]
    fn plan_5_a_clock_set_back_does_not_extend_a_plan() {
        let mut used = PlanUse {
            plan: Some("Pro".to_owned()),
            until: Some(at(2_000)),
            fallback: Some("Basic".to_owned()),
            ..PlanUse::default()
        };
        assert_eq!(used.plan_at(at(1_999)), Some("Pro"));
        assert_eq!(used.plan_at(at(2_000)), Some("Basic"));
        used.seen = Some(at(2_000));
        assert_eq!(used.plan_at(at(1_000)), Some("Basic"));
    }
}
