//! `/set` (RFC 8620 §5.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Id, IdOrCreation, MethodError, PatchObject, SetError};

/// Arguments of a `/set` that has no others. What is to be created stays text, so that one wrong record spoils no other.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Set {
    /// Which account.
    pub account_id: Id,
    /// Only if this is the state.
    #[serde(default)]
    pub if_in_state: Option<String>,
    /// New records by creation id.
    #[serde(default)]
    pub create: Option<BTreeMap<Id, Box<RawValue>>>,
    /// Changes by id.
    #[serde(default)]
    pub update: Option<BTreeMap<IdOrCreation, PatchObject>>,
    /// What shall go.
    #[serde(default)]
    pub destroy: Option<Vec<IdOrCreation>>,
    /// `Mailbox/set`: emails in no other mailbox go with it (RFC 8621 §2.5).
    #[serde(default)]
    pub on_destroy_remove_emails: bool,
}

impl Set {
    /// How many records it touches.
    #[must_use]
    pub fn objects(&self) -> usize {
        let created = self.create.as_ref().map_or(0, BTreeMap::len);
        let updated = self.update.as_ref().map_or(0, BTreeMap::len);
        let destroyed = self.destroy.as_ref().map_or(0, Vec::len);
        created.saturating_add(updated).saturating_add(destroyed)
    }
    /// Refuses more records than `objects_max`.
    ///
    /// # Errors
    /// `requestTooLarge`.
    pub fn check(&self, objects_max: u64) -> Result<(), MethodError> {
        if u64::try_from(self.objects()).unwrap_or(u64::MAX) > objects_max {
            return Err(MethodError::too_large("maxObjectsInSet"));
        }
        Ok(())
    }
}

/// The answer. `T` is what the server set of a new record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetReply<'a, T> {
    /// Which account.
    pub account_id: &'a Id,
    /// The state before, if it is known.
    pub old_state: Option<String>,
    /// The state after.
    pub new_state: String,
    /// What was made, by creation id.
    pub created: BTreeMap<Id, T>,
    /// What was changed; nothing of it otherwise than asked for.
    pub updated: BTreeMap<String, Option<()>>,
    /// What is gone.
    pub destroyed: Vec<String>,
    /// What was not made.
    pub not_created: BTreeMap<Id, SetError>,
    /// What was not changed.
    pub not_updated: BTreeMap<String, SetError>,
    /// What is not gone.
    pub not_destroyed: BTreeMap<String, SetError>,
}

impl<'a, T> SetReply<'a, T> {
    /// An answer of which nothing is known but the state before.
    #[must_use]
    pub fn new(account_id: &'a Id, state: String) -> Self {
        Self {
            account_id,
            new_state: state.clone(),
            old_state: Some(state),
            created: BTreeMap::new(),
            updated: BTreeMap::new(),
            destroyed: Vec::new(),
            not_created: BTreeMap::new(),
            not_updated: BTreeMap::new(),
            not_destroyed: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::read;

    #[test]
    fn reads_the_set_of_rfc_8620_section_5_7() {
        let text = r##"{
            "accountId": "x",
            "create": { "k15": { "title": "Foo" } },
            "update": { "a": { "id": "a", "title": "Practise Piano" }, "#k15": {} },
            "destroy": [ "b", "#k15" ]
        }"##;
        let set: Set = read(text).unwrap();
        assert_eq!(set.objects(), 5);
        assert_eq!(set.destroy.as_ref().unwrap()[1].to_string(), "#k15");
        assert!(set.check(5).is_ok());
        assert_eq!(set.check(4).unwrap_err().limit, Some("maxObjectsInSet"));
    }
}
