//! StateChange (RFC 8620 §7.1): what push tells.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Id;

/// New states by account and kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateChange {
    /// What changed.
    pub changed: BTreeMap<Id, BTreeMap<&'static str, String>>,
    /// From where a client goes on that comes back (RFC 8887 §4.3.5.1).
    pub push_state: Option<String>,
}

impl Serialize for StateChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("@type", "StateChange")?;
        map.serialize_entry("changed", &self.changed)?;
        if let Some(state) = &self.push_state {
            map.serialize_entry("pushState", state)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_in_rfc_8620_section_7_1() {
        let states = BTreeMap::from([("Email", "d35ecb040aab".to_owned())]);
        let change = StateChange {
            changed: BTreeMap::from([(Id::try_from("a3123").unwrap(), states)]),
            push_state: None,
        };
        assert_eq!(
            serde_json::to_string(&change).unwrap(),
            r#"{"@type":"StateChange","changed":{"a3123":{"Email":"d35ecb040aab"}}}"#
        );
    }
}
