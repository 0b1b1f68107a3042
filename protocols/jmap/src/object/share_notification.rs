//! ShareNotification (RFC 9670 §5): something of another's was opened to the user, opened otherwise, or closed.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use super::{MailboxRights, Record, plain_properties};
use crate::{Id, UtcDate};

plain_properties! {
    /// A property of a notification.
    ShareNotificationProperty {
        /// Its id.
        Id = "id",
        /// When it was made.
        Created = "created",
        /// Who made the change.
        ChangedBy = "changedBy",
        /// What kind of record it is about.
        ObjectType = "objectType",
        /// The account of that record.
        ObjectAccountId = "objectAccountId",
        /// The id of that record.
        ObjectId = "objectId",
        /// What the user could do before.
        OldRights = "oldRights",
        /// What the user can do now.
        NewRights = "newRights",
        /// What the record was called at that time.
        Name = "name",
    }
}

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareEntity {
    /// A name for people.
    pub name: String,
    /// An address.
    pub email: Option<String>,
    /// The principal, if there is one that the user sees.
    pub principal_id: Option<Id>,
}

/// A notification about a mailbox.
#[derive(Debug)]
pub struct ShareNotification {
    /// Its id.
    pub id: Id,
    /// When it was made.
    pub created: UtcDate,
    /// Who made the change.
    pub changed_by: ShareEntity,
    /// The account of the mailbox.
    pub object_account_id: Id,
    /// The mailbox.
    pub object_id: Id,
    /// What the user could do before; nothing: nothing.
    pub old_rights: Option<MailboxRights>,
    /// What the user can do now.
    pub new_rights: Option<MailboxRights>,
    /// What the mailbox was called at that time.
    pub name: String,
}

impl ShareNotification {
    /// The kind of record that all of them are about.
    pub const OBJECT_TYPE: &str = "Mailbox";
}

impl Record for ShareNotification {
    type Property = ShareNotificationProperty;
    fn write<M: SerializeMap>(&self, property: &ShareNotificationProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            ShareNotificationProperty::Id => map.serialize_entry(name, &self.id),
            ShareNotificationProperty::Created => map.serialize_entry(name, &self.created),
            ShareNotificationProperty::ChangedBy => map.serialize_entry(name, &self.changed_by),
            ShareNotificationProperty::ObjectType => map.serialize_entry(name, Self::OBJECT_TYPE),
            ShareNotificationProperty::ObjectAccountId => map.serialize_entry(name, &self.object_account_id),
            ShareNotificationProperty::ObjectId => map.serialize_entry(name, &self.object_id),
            ShareNotificationProperty::OldRights => map.serialize_entry(name, &self.old_rights),
            ShareNotificationProperty::NewRights => map.serialize_entry(name, &self.new_rights),
            ShareNotificationProperty::Name => map.serialize_entry(name, &self.name),
        }
    }
}

/// A condition of `ShareNotification/query` (RFC 9670 §5.5.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ShareNotificationCondition {
    /// Made at or after.
    pub after: Option<UtcDate>,
    /// Made before.
    pub before: Option<UtcDate>,
    /// About this kind of record.
    pub object_type: Option<String>,
    /// About something of this account.
    pub object_account_id: Option<Id>,
}

#[cfg(test)]
mod tests {
    use hongyan_types::Timestamp;

    use super::super::{Properties, View};
    use super::*;

    #[test]
    fn is_written_as_rfc_9670_section_5_says() {
        let id = |text: &str| Id::try_from(text).unwrap();
        let notification = ShareNotification {
            id: id("N1"),
            created: UtcDate(Timestamp::from_secs(1_278_723_908)),
            changed_by: ShareEntity {
                name: "Jane".to_owned(),
                email: None,
                principal_id: Some(id("P1")),
            },
            object_account_id: id("A1"),
            object_id: id("F1"),
            old_rights: None,
            new_rights: None,
            name: "Plans".to_owned(),
        };
        let properties = Properties::read(None).unwrap();
        let view = View {
            record: notification,
            properties: &properties,
        };
        let expect = concat!(
            r#"{"id":"N1","created":"2010-07-10T01:05:08Z","changedBy":{"name":"Jane","email":null,"principalId":"P1"},"#,
            r#""objectType":"Mailbox","objectAccountId":"A1","objectId":"F1","oldRights":null,"newRights":null,"name":"Plans"}"#
        );
        assert_eq!(serde_json::to_string(&view).unwrap(), expect);
    }

    #[test]
    fn a_condition_is_read() {
        let text = r#"{"after": "2010-07-10T01:05:08Z", "objectType": "Mailbox", "objectAccountId": "A1"}"#;
        let condition: ShareNotificationCondition = serde_json::from_str(text).unwrap();
        assert_eq!(condition.object_type.as_deref(), Some("Mailbox"));
        assert!(condition.after.is_some() && condition.before.is_none());
        assert!(serde_json::from_str::<ShareNotificationCondition>(r#"{"name": "x"}"#).is_err());
    }
}
