//! Mailbox (RFC 8621 §2): what the store calls a folder.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::{Properties, plain_properties};
use crate::Id;
use crate::method::{Comparator, Filter, Window};

/// What a mailbox is for, by the registry of RFC 8621 §10.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxRole {
    /// Mail comes here.
    Inbox,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

plain_properties! {
    /// A property of a mailbox.
    MailboxProperty {
        /// Its id.
        Id = "id",
        /// Its name, without those above it.
        Name = "name",
        /// The mailbox it is in.
        ParentId = "parentId",
        /// What it is for.
        Role = "role",
        /// Where clients show it.
        SortOrder = "sortOrder",
        /// Emails in it.
        TotalEmails = "totalEmails",
        /// Emails in it that are not read.
        UnreadEmails = "unreadEmails",
        /// Threads with an email in it.
        TotalThreads = "totalThreads",
        /// Threads with an email in it and one that is not read.
        UnreadThreads = "unreadThreads",
        /// What the user may do with it.
        MyRights = "myRights",
        /// Whether the user wants to see it.
        IsSubscribed = "isSubscribed",
        /// With whom it is shared, and what they may do with it (RFC 9670 §4).
        ShareWith = "shareWith",
    }
}

impl MailboxProperty {
    /// Whether it needs the threads of the mailbox, which cost more than the rest.
    #[must_use]
    pub fn counts_threads(self) -> bool {
        matches!(self, Self::TotalThreads | Self::UnreadThreads)
    }
}

/// What a user may do with a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxRights {
    /// Read emails.
    pub may_read_items: bool,
    /// Add emails.
    pub may_add_items: bool,
    /// Remove emails.
    pub may_remove_items: bool,
    /// Change `$seen`.
    pub may_set_seen: bool,
    /// Change other keywords.
    pub may_set_keywords: bool,
    /// Make mailboxes inside.
    pub may_create_child: bool,
    /// Rename and move it.
    pub may_rename: bool,
    /// Destroy it.
    pub may_delete: bool,
    /// Send from it.
    pub may_submit: bool,
    /// Say with whom it is shared.
    pub may_share: bool,
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The mailbox it is in.
    pub parent_id: Option<Id>,
    /// What it is for.
    pub role: Option<MailboxRole>,
    /// Where clients show it.
    pub sort_order: u32,
    /// Emails.
    pub total_emails: u64,
    /// Unread emails.
    pub unread_emails: u64,
    /// Threads.
    pub total_threads: u64,
    /// Unread threads.
    pub unread_threads: u64,
    /// Rights.
    pub my_rights: MailboxRights,
    /// Subscribed.
    pub is_subscribed: bool,
    /// With whom it is shared, for who may know.
    pub share_with: Option<BTreeMap<Id, MailboxRights>>,
}

/// A mailbox as a client asked for it.
#[derive(Debug)]
pub struct MailboxView<'p> {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// What was asked for.
    pub properties: &'p Properties<MailboxProperty>,
}

impl Serialize for MailboxView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mailbox = &self.mailbox;
        let mut map = serializer.serialize_map(None)?;
        for property in self.properties.iter() {
            let name = property.as_str();
            match property {
                MailboxProperty::Id => map.serialize_entry(name, &mailbox.id),
                MailboxProperty::Name => map.serialize_entry(name, &mailbox.name),
                MailboxProperty::ParentId => map.serialize_entry(name, &mailbox.parent_id),
                MailboxProperty::Role => map.serialize_entry(name, &mailbox.role),
                MailboxProperty::SortOrder => map.serialize_entry(name, &mailbox.sort_order),
                MailboxProperty::TotalEmails => map.serialize_entry(name, &mailbox.total_emails),
                MailboxProperty::UnreadEmails => map.serialize_entry(name, &mailbox.unread_emails),
                MailboxProperty::TotalThreads => map.serialize_entry(name, &mailbox.total_threads),
                MailboxProperty::UnreadThreads => map.serialize_entry(name, &mailbox.unread_threads),
                MailboxProperty::MyRights => map.serialize_entry(name, &mailbox.my_rights),
                MailboxProperty::IsSubscribed => map.serialize_entry(name, &mailbox.is_subscribed),
                MailboxProperty::ShareWith => map.serialize_entry(name, &mailbox.share_with),
            }?;
        }
        map.end()
    }
}

/// A condition of `Mailbox/query` (RFC 8621 §2.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MailboxCondition {
    /// Directly in this mailbox; `Some(None)` is the top level.
    #[serde(deserialize_with = "present")]
    pub parent_id: Option<Option<Id>>,
    /// Its name contains this.
    pub name: Option<String>,
    /// It has this role; `Some(None)` is none. Roles nobody has match nothing.
    #[serde(deserialize_with = "present")]
    pub role: Option<Option<String>>,
    /// It has a role.
    pub has_any_role: Option<bool>,
    /// It is subscribed to.
    pub is_subscribed: Option<bool>,
}

/// Tells `null` from nothing.
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Arguments of `Mailbox/query`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailboxQuery {
    /// Which account.
    pub account_id: Id,
    /// Which mailboxes.
    #[serde(default)]
    pub filter: Option<Filter<MailboxCondition>>,
    /// In which order.
    #[serde(default)]
    pub sort: Option<Vec<Comparator>>,
    /// From which index.
    #[serde(default)]
    pub position: i64,
    /// From which mailbox.
    #[serde(default)]
    pub anchor: Option<Id>,
    /// By how many off the anchor.
    #[serde(default)]
    pub anchor_offset: i64,
    /// How many.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Whether to count.
    #[serde(default)]
    pub calculate_total: bool,
    /// Mailboxes inside follow the one they are in.
    #[serde(default)]
    pub sort_as_tree: bool,
    /// Only if those above are in the results too.
    #[serde(default)]
    pub filter_as_tree: bool,
}

impl MailboxQuery {
    /// The window asked for.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            position: self.position,
            anchor: self.anchor.clone(),
            anchor_offset: self.anchor_offset,
            limit: self.limit,
        }
    }
}

/// Arguments of `Mailbox/queryChanges`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailboxQueryChanges {
    /// Which account.
    pub account_id: Id,
    /// Which mailboxes.
    #[serde(default)]
    pub filter: Option<Filter<MailboxCondition>>,
    /// In which order.
    #[serde(default)]
    pub sort: Option<Vec<Comparator>>,
    /// What the client has.
    pub since_query_state: String,
    /// Changes it wants at most.
    #[serde(default)]
    pub max_changes: Option<u64>,
    /// What lies behind this does not matter.
    #[serde(default)]
    pub up_to_id: Option<Id>,
    /// Whether to count.
    #[serde(default)]
    pub calculate_total: bool,
    /// As in the query.
    #[serde(default)]
    pub sort_as_tree: bool,
    /// As in the query.
    #[serde(default)]
    pub filter_as_tree: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::read;

    #[test]
    fn null_is_told_from_nothing() {
        let read = |text: &str| serde_json::from_str::<MailboxCondition>(text).unwrap();
        assert_eq!(read("{}").parent_id, None);
        assert_eq!(read(r#"{"parentId":null}"#).parent_id, Some(None));
        assert_eq!(read(r#"{"role":"inbox"}"#).role, Some(Some("inbox".to_owned())));
    }

    #[test]
    fn only_what_was_asked_for_is_written() {
        let query: MailboxQuery =
            read(r#"{"accountId":"a","filter":{"role":"inbox"},"sort":[{"property":"name"}]}"#).unwrap();
        assert!(query.sort.unwrap()[0].is_ascending);
        let names = ["parentId".to_owned(), "role".to_owned(), "id".to_owned()];
        let properties = Properties::read(Some(&names)).unwrap();
        let rights = MailboxRights {
            may_read_items: true,
            may_add_items: true,
            may_remove_items: true,
            may_set_seen: true,
            may_set_keywords: true,
            may_create_child: true,
            may_rename: false,
            may_delete: false,
            may_submit: true,
            may_share: true,
        };
        let mailbox = Mailbox {
            id: Id::try_from("F1").unwrap(),
            name: "INBOX".to_owned(),
            parent_id: None,
            role: Some(MailboxRole::Inbox),
            sort_order: 0,
            total_emails: 0,
            unread_emails: 0,
            total_threads: 0,
            unread_threads: 0,
            my_rights: rights,
            is_subscribed: true,
            share_with: None,
        };
        let view = MailboxView {
            mailbox,
            properties: &properties,
        };
        assert_eq!(
            serde_json::to_string(&view).unwrap(),
            r#"{"id":"F1","parentId":null,"role":"inbox"}"#
        );
        assert!(Properties::<MailboxProperty>::read(Some(&["x".to_owned()])).is_err());
    }
}
