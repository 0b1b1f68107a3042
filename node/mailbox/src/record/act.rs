//! What someone did in a mailbox that is not theirs: key kind 12, [millis, number]. Older ones go with the next.

use bytes::Bytes;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{self, Schema};
use hongyan_types::AccountId;
use minicbor::{Decode, Encode};

use crate::{Act, ActId, ActKind, EmailId};

const V1: Schema = Schema(1);

#[derive(Encode, Decode)]
struct ActV1 {
    #[n(0)]
    person: u64,
    #[n(1)]
    kind: u8,
    #[n(2)]
    path: String,
    #[n(3)]
    messages: u64,
    /// Absent in what was written before there was one.
    #[n(4)]
    email: Option<u64>,
}

pub(crate) fn encode(act: &Act) -> Bytes {
    let place = ActKind::ALL.iter().position(|kind| *kind == act.kind);
    let body = ActV1 {
        person: act.person.0,
        kind: place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX),
        path: act.path.clone(),
        messages: act.messages,
        email: act.email.map(|email| email.0),
    };
    record::encode(V1, &body)
}

pub(crate) fn decode(id: ActId, stored: &[u8]) -> Result<Act, StorageError> {
    let body: ActV1 = record::decode(V1, stored)?;
    let kind = ActKind::ALL.get(usize::from(body.kind)).copied();
    Ok(Act {
        id,
        person: AccountId(body.person),
        kind: kind.ok_or_else(|| StorageError::Corrupt("kind of an act".to_owned()))?,
        path: body.path,
        messages: body.messages,
        email: body.email.map(EmailId),
    })
}

#[cfg(test)]
mod tests {
    use hongyan_types::Timestamp;

    use super::*;

    #[test]
    fn golden_bytes() {
        for (place, kind) in (0_u8..).zip(ActKind::ALL) {
            let act = Act {
                id: ActId {
                    at: Timestamp { millis: 5 },
                    number: 6,
                },
                person: AccountId(7),
                kind,
                path: "Trash".to_owned(),
                messages: 3,
                email: None,
            };
            let stored = encode(&act);
            let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, format!("0100018407{place:02x}65547261736803"));
            assert_eq!(decode(act.id, &stored).as_ref(), Ok(&act));
            let single = Act {
                email: Some(EmailId(9)),
                ..act
            };
            let stored = encode(&single);
            let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, format!("0100018507{place:02x}6554726173680309"));
            assert_eq!(decode(single.id, &stored), Ok(single));
        }
    }
}
