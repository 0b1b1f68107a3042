//! What name servers said last of a domain, at ("dir", "domain-check", domain).

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};

/// The last look at a domain's DNS records (DOM-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainCheck {
    /// When.
    pub at: Timestamp,
    /// Whether all that mail needs to come was found, when name servers last answered.
    pub receives: bool,
    /// Whether they answered now.
    pub answered: bool,
    /// Since when that is no longer so; none while it is, and for a domain that never had it.
    pub lost: Option<Timestamp>,
    /// When its administrators were told of that.
    pub told: Option<Timestamp>,
    /// What is not as it is to be, a line each.
    pub wrong: Vec<String>,
    /// What its registry says (DOM-11).
    pub registration: Registration,
}

/// What a domain's registry says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Registration {
    /// When it was asked last.
    pub asked: Option<Timestamp>,
    /// When the registration ends; none where that is not known.
    pub ends: Option<Timestamp>,
    /// How many days before that end administrators were told last.
    pub told_days: Option<u32>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    at_millis: i64,
    #[n(1)]
    receives: bool,
    #[n(2)]
    lost_millis: Option<i64>,
    #[n(3)]
    told_millis: Option<i64>,
    #[n(4)]
    wrong: Vec<String>,
    #[n(5)]
    asked_millis: Option<i64>,
    #[n(6)]
    ends_millis: Option<i64>,
    #[n(7)]
    told_days: Option<u32>,
    /// Absent in what was written before there was one: nobody knows.
    #[n(8)]
    answered: Option<bool>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(check: &DomainCheck) -> Bytes {
    let body = V1 {
        at_millis: check.at.millis,
        receives: check.receives,
        lost_millis: check.lost.map(|at| at.millis),
        told_millis: check.told.map(|at| at.millis),
        wrong: check.wrong.clone(),
        asked_millis: check.registration.asked.map(|at| at.millis),
        ends_millis: check.registration.ends.map(|at| at.millis),
        told_days: check.registration.told_days,
        answered: Some(check.answered).filter(|answered| *answered),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<DomainCheck, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let moment = |millis| Timestamp { millis };
    Ok(DomainCheck {
        at: moment(body.at_millis),
        receives: body.receives,
        answered: body.answered.unwrap_or(false),
        lost: body.lost_millis.map(moment),
        told: body.told_millis.map(moment),
        wrong: body.wrong,
        registration: Registration {
            asked: body.asked_millis.map(moment),
            ends: body.ends_millis.map(moment),
            told_days: body.told_days,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let check = DomainCheck {
            at: Timestamp { millis: 1_000 },
            receives: false,
            answered: false,
            lost: Some(Timestamp { millis: 2_000 }),
            told: None,
            wrong: vec!["MX".to_owned()],
            registration: Registration::default(),
        };
        let stored = encode(&check);
        assert_eq!(crate::record::hex(&stored), "010001851903e8f41907d0f681624d58");
        assert_eq!(decode(&stored), Ok(check.clone()));
        let grown = DomainCheck {
            registration: Registration {
                asked: Some(Timestamp { millis: 3_000 }),
                ends: Some(Timestamp { millis: 4_000 }),
                told_days: Some(14),
            },
            ..check
        };
        let stored = encode(&grown);
        assert_eq!(
            crate::record::hex(&stored),
            "010001881903e8f41907d0f681624d58190bb8190fa00e"
        );
        assert_eq!(decode(&stored).as_ref(), Ok(&grown));
        let answered = DomainCheck {
            answered: true,
            ..grown
        };
        let stored = encode(&answered);
        assert_eq!(
            crate::record::hex(&stored),
            "010001891903e8f41907d0f681624d58190bb8190fa00ef5"
        );
        assert_eq!(decode(&stored), Ok(answered));
    }
}
