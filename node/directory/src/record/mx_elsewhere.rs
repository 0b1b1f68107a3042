//! How long mail for an organisation has gone elsewhere, at ("dir", "of-tenant", tenant, "mx-elsewhere").

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::Timestamp;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What follows when none of an organisation's domains has led here for too long (ORG-15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MxElsewhere {
    /// Nothing; administrators are told of each domain whose records are lost.
    #[default]
    Off,
    /// Administrators are told, then the organisation is suspended.
    Suspend,
    /// Later it is removed too.
    Purge,
}

impl MxElsewhere {
    /// As it is stored; none for what needs no word.
    pub(crate) fn code(self) -> Option<u8> {
        match self {
            Self::Off => None,
            Self::Suspend => Some(1),
            Self::Purge => Some(2),
        }
    }
    /// What is not known does nothing.
    pub(crate) fn of_code(code: Option<u8>) -> Self {
        match code {
            Some(1) => Self::Suspend,
            Some(2) => Self::Purge,
            _ => Self::Off,
        }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MxCount {
    /// For how long name servers have led elsewhere, as far as anybody looked.
    pub(crate) counted_millis: i64,
    /// Up to when that is counted; a look of before then counts nothing.
    pub(crate) until: Timestamp,
    /// How many days were left when administrators were told last.
    pub(crate) told_days: Option<u32>,
    /// When the organisation was suspended for it.
    pub(crate) ended: Option<Timestamp>,
}

#[derive(Encode, Decode)]
struct V1 {
    #[n(0)]
    counted_millis: i64,
    #[n(1)]
    until_millis: i64,
    #[n(2)]
    told_days: Option<u32>,
    #[n(3)]
    ended_millis: Option<i64>,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(count: &MxCount) -> Bytes {
    let body = V1 {
        counted_millis: count.counted_millis,
        until_millis: count.until.millis,
        told_days: count.told_days,
        ended_millis: count.ended.map(|at| at.millis),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<MxCount, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(MxCount {
        counted_millis: body.counted_millis,
        until: Timestamp {
            millis: body.until_millis,
        },
        told_days: body.told_days,
        ended: body.ended_millis.map(|millis| Timestamp { millis }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let begun = MxCount {
            counted_millis: 0,
            until: Timestamp { millis: 1_000 },
            told_days: None,
            ended: None,
        };
        let stored = encode(&begun);
        assert_eq!(crate::record::hex(&stored), "01000182001903e8");
        assert_eq!(decode(&stored), Ok(begun));
        let ended = MxCount {
            counted_millis: 2_000,
            told_days: Some(7),
            ended: Some(Timestamp { millis: 3_000 }),
            ..begun
        };
        let stored = encode(&ended);
        assert_eq!(crate::record::hex(&stored), "010001841907d01903e807190bb8");
        assert_eq!(decode(&stored), Ok(ended));
        for wanted in [MxElsewhere::Off, MxElsewhere::Suspend, MxElsewhere::Purge] {
            assert_eq!(MxElsewhere::of_code(wanted.code()), wanted);
        }
    }
}
