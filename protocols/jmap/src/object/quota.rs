//! Quota (RFC 9425): how much an account has of what it may have.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use super::{Record, plain_properties};
use crate::Id;

plain_properties! {
    /// A property of a quota.
    QuotaProperty {
        /// Its id.
        Id = "id",
        /// What is counted.
        ResourceType = "resourceType",
        /// How much of it there is.
        Used = "used",
        /// How much there may be.
        HardLimit = "hardLimit",
        /// Whose it is.
        Scope = "scope",
        /// Its name.
        Name = "name",
        /// Kinds of records that count.
        Types = "types",
        /// From where on the person is warned.
        WarnLimit = "warnLimit",
        /// From where on the person should do something.
        SoftLimit = "softLimit",
        /// More about it.
        Description = "description",
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaResource {
    /// Records.
    Count,
    /// Octets.
    Octets,
}

/// A quota of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Its id.
    pub id: Id,
    /// What is counted.
    pub resource: QuotaResource,
    /// How much of it there is.
    pub used: u64,
    /// How much there may be.
    pub hard_limit: u64,
    /// From where on the person is warned.
    pub warn_limit: Option<u64>,
    /// Its name.
    pub name: &'static str,
}

impl Record for Quota {
    type Property = QuotaProperty;
    fn write<M: SerializeMap>(&self, property: &QuotaProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            QuotaProperty::Id => map.serialize_entry(name, &self.id),
            QuotaProperty::ResourceType => map.serialize_entry(name, &self.resource),
            QuotaProperty::Used => map.serialize_entry(name, &self.used),
            QuotaProperty::HardLimit => map.serialize_entry(name, &self.hard_limit),
            QuotaProperty::Scope => map.serialize_entry(name, "account"),
            QuotaProperty::Name => map.serialize_entry(name, self.name),
            QuotaProperty::Types => map.serialize_entry(name, &["Email"]),
            QuotaProperty::WarnLimit => map.serialize_entry(name, &self.warn_limit),
            QuotaProperty::SoftLimit | QuotaProperty::Description => map.serialize_entry(name, &()),
        }
    }
}

/// A condition of `Quota/query` (RFC 9425 §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QuotaCondition {
    /// Its name contains this.
    pub name: Option<String>,
    /// Of this scope.
    pub scope: Option<String>,
    /// Of this resource.
    pub resource_type: Option<QuotaResource>,
    /// It counts this kind of record.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}
