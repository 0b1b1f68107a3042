//! What two nodes say about hints: service 3 of the wire protocol. Enums grow at their end.

use bytes::Bytes;
use hongyan_actor::EntityId;
use hongyan_transport::codec;
use serde::{Deserialize, Serialize};

use crate::router::Kinds;

/// Entries in one piece of a stream; with the longest keys it is still a small part of what a piece may hold.
pub(crate) const ENTRIES_MAX: usize = 100;
/// The longest key of an entity, in octets.
const KEY_OCTETS_MAX: usize = 256;

/// An entity's name between nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name {
    kind: String,
    key: Vec<u8>,
}

impl Name {
    pub(crate) fn new(id: &EntityId) -> Self {
        Self {
            kind: id.kind().to_owned(),
            key: id.key().to_vec(),
        }
    }
    /// The entity, if this node knows its kind.
    pub(crate) fn entity(&self, kinds: &Kinds) -> Option<EntityId> {
        if self.key.len() > KEY_OCTETS_MAX {
            return None;
        }
        kinds.named(&self.kind)?.entity_id(&self.key)
    }
}

/// What a subscribing node says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    Subscribe(Name),
    Unsubscribe(Name),
}

/// What the other node says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// From here on nothing is missed.
    Subscribed(Name),
    Hint {
        name: Name,
        number: u64,
        commit_version: u64,
    },
}

/// One piece of a stream.
pub(crate) fn encode<T: Serialize>(entries: &[T]) -> Bytes {
    // Names and numbers can always be written.
    codec::encode(&entries).unwrap_or_default()
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(piece: &[u8]) -> Option<Vec<T>> {
    codec::decode(piece).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(entry: T, hex: &str) {
        let bytes = encode(std::slice::from_ref(&entry));
        let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, hex.replace(' ', ""));
        assert_eq!(decode::<T>(&bytes), Some(vec![entry]));
    }

    #[test]
    fn recorded_bytes() {
        let name = || Name {
            kind: "box".into(),
            key: vec![9],
        };
        check(Order::Subscribe(name()), "01 00 03626f78 0109");
        check(Order::Unsubscribe(name()), "01 01 03626f78 0109");
        check(Notice::Subscribed(name()), "01 00 03626f78 0109");
        let hint = Notice::Hint {
            name: name(),
            number: 5,
            commit_version: 6,
        };
        check(hint, "01 01 03626f78 0109 05 06");
    }
}
