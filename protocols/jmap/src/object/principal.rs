//! Principal (RFC 9670 §2): people, groups and shared mailboxes of the organisation.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use super::{Record, plain_properties};
use crate::{AccountEntry, Id};

plain_properties! {
    /// A property of a principal.
    PrincipalProperty {
        /// Its id.
        Id = "id",
        /// What it is.
        Type = "type",
        /// Its name.
        Name = "name",
        /// More about it.
        Description = "description",
        /// Its address.
        Email = "email",
        /// Where it is.
        TimeZone = "timeZone",
        /// What can be done with it.
        Capabilities = "capabilities",
        /// Its accounts that are open to the client.
        Accounts = "accounts",
    }
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalType {
    /// A person.
    Individual,
    /// A group of others.
    Group,
    /// A thing that is used.
    Resource,
    /// A place.
    Location,
    /// Anything else.
    Other,
}

/// A principal.
#[derive(Debug)]
pub struct Principal {
    /// Its id.
    pub id: Id,
    /// What it is.
    pub kind: PrincipalType,
    /// Its name.
    pub name: String,
    /// More about it.
    pub description: Option<String>,
    /// Its address.
    pub email: Option<String>,
    /// Its accounts that are open to the client.
    pub accounts: Option<BTreeMap<Id, AccountEntry>>,
}

impl Record for Principal {
    type Property = PrincipalProperty;
    fn write<M: SerializeMap>(&self, property: &PrincipalProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            PrincipalProperty::Id => map.serialize_entry(name, &self.id),
            PrincipalProperty::Type => map.serialize_entry(name, &self.kind),
            PrincipalProperty::Name => map.serialize_entry(name, &self.name),
            PrincipalProperty::Email => map.serialize_entry(name, &self.email),
            PrincipalProperty::Accounts => map.serialize_entry(name, &self.accounts),
            PrincipalProperty::Capabilities => map.serialize_entry(name, &BTreeMap::<&str, ()>::new()),
            PrincipalProperty::Description => map.serialize_entry(name, &self.description),
            PrincipalProperty::TimeZone => map.serialize_entry(name, &()),
        }
    }
}

/// A condition of `Principal/query` (RFC 9670 §2.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PrincipalCondition {
    /// It has one of these accounts.
    pub account_ids: Option<Vec<Id>>,
    /// Its address contains this.
    pub email: Option<String>,
    /// Its name contains this.
    pub name: Option<String>,
    /// Its name, its address or what is said about it contains this.
    pub text: Option<String>,
    /// It is of this type.
    #[serde(rename = "type")]
    pub kind: Option<PrincipalType>,
    /// It is in this time zone.
    pub time_zone: Option<String>,
}
