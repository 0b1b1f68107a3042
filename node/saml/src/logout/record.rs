//! What is kept of a browser that goes round: ("saml", "round", hash), by the hash of what the browser keeps. Gone when it is through; those
//! that never come back are swept by others that begin.

use bytes::Bytes;
use hongyan_kv::Tuple;
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};

use super::message::Outcome;
use super::party::Party;

const V1: Schema = Schema(1);

/// Somebody who was asked, and has not answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Waiting {
    /// The application; without it, it is the organisation's provider.
    #[n(0)]
    pub(super) application: Option<String>,
    /// What people call it.
    #[n(1)]
    pub(super) label: String,
    /// The request that it has to answer.
    #[n(2)]
    pub(super) request: String,
}

/// Whoever wants the sessions ended, and is answered at the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Asker {
    #[n(0)]
    pub(super) application: Option<String>,
    #[n(1)]
    pub(super) request: String,
    #[n(2)]
    pub(super) relay_state: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Round {
    #[n(0)]
    pub(super) tenant: u64,
    #[n(1)]
    pub(super) end_millis: i64,
    /// Who is still to be told.
    #[n(2)]
    pub(super) left: Vec<Party>,
    #[n(3)]
    pub(super) waiting: Option<Waiting>,
    /// What those are called that could not be told.
    #[n(4)]
    pub(super) untold: Vec<String>,
    /// Whether the member has read that.
    #[n(5)]
    pub(super) is_read: bool,
    #[n(6)]
    pub(super) asker: Option<Asker>,
    #[n(7)]
    pub(super) outcome: Outcome,
    /// Where the browser goes then.
    #[n(8)]
    pub(super) exit: Option<String>,
}

impl Round {
    /// A round through `left` that begins here; `untold` cannot be told, and its end is set when it is kept.
    pub(super) fn new(tenant: TenantId, (left, untold): (Vec<Party>, Vec<String>)) -> Self {
        Self {
            tenant: tenant.0,
            end_millis: 0,
            left,
            waiting: None,
            untold,
            is_read: false,
            asker: None,
            outcome: Outcome::Done,
            exit: None,
        }
    }
}

pub(super) fn rounds() -> Tuple {
    Tuple::new().string("saml").string("round")
}
pub(super) fn round_key(token: &str) -> Bytes {
    rounds().bytes(blake3::hash(token.as_bytes()).as_bytes()).pack()
}
pub(super) fn encode(round: &Round) -> Bytes {
    record::encode(V1, round)
}
pub(super) fn decode(stored: &[u8]) -> Result<Round, RecordError> {
    record::decode(V1, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let round = Round {
            tenant: 3,
            end_millis: 9,
            left: Vec::new(),
            waiting: Some(Waiting {
                application: None,
                label: "L".to_owned(),
                request: "r".to_owned(),
            }),
            untold: vec!["u".to_owned()],
            is_read: true,
            asker: Some(Asker {
                application: Some("a".to_owned()),
                request: "q".to_owned(),
                relay_state: None,
            }),
            outcome: Outcome::Partial,
            exit: Some("e".to_owned()),
        };
        let hex: String = encode(&round).iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            hex,
            "010001 89 03 09 80 83f6614c6172 816175 f5 8261616171 01 6165".replace(' ', "")
        );
        assert_eq!(decode(&encode(&round)), Ok(round));
    }
}
