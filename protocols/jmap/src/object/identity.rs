//! Identity (RFC 8621 §6): as whom the user sends.

use serde::Deserialize;
use serde::ser::SerializeMap;

use super::header::EmailAddress;
use super::{Record, plain_properties};
use crate::Id;

plain_properties! {
    /// A property of an identity.
    IdentityProperty {
        /// Its id.
        Id = "id",
        /// The name in From.
        Name = "name",
        /// The address in From.
        Email = "email",
        /// Where answers go.
        ReplyTo = "replyTo",
        /// Who gets blind copies.
        Bcc = "bcc",
        /// What goes below plain text.
        TextSignature = "textSignature",
        /// What goes below HTML.
        HtmlSignature = "htmlSignature",
        /// Whether the user may destroy it.
        MayDelete = "mayDelete",
    }
}

/// An identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub id: Id,
    /// The name in From.
    pub name: String,
    /// The address in From.
    pub email: String,
    /// Where answers go.
    pub reply_to: Option<Vec<EmailAddress>>,
    /// Who gets blind copies.
    pub bcc: Option<Vec<EmailAddress>>,
    /// What goes below plain text.
    pub text_signature: String,
    /// What goes below HTML.
    pub html_signature: String,
    /// Whether the user may destroy it.
    pub may_delete: bool,
}

impl Record for Identity {
    type Property = IdentityProperty;
    fn write<M: SerializeMap>(&self, property: &IdentityProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            IdentityProperty::Id => map.serialize_entry(name, &self.id),
            IdentityProperty::Name => map.serialize_entry(name, &self.name),
            IdentityProperty::Email => map.serialize_entry(name, &self.email),
            IdentityProperty::ReplyTo => map.serialize_entry(name, &self.reply_to),
            IdentityProperty::Bcc => map.serialize_entry(name, &self.bcc),
            IdentityProperty::TextSignature => map.serialize_entry(name, &self.text_signature),
            IdentityProperty::HtmlSignature => map.serialize_entry(name, &self.html_signature),
            IdentityProperty::MayDelete => map.serialize_entry(name, &self.may_delete),
        }
    }
}

/// A new identity as a client describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewIdentity {
    /// The name in From.
    #[serde(default)]
    pub name: String,
    /// The address in From.
    pub email: String,
    /// Where answers go.
    #[serde(default)]
    pub reply_to: Option<Vec<EmailAddress>>,
    /// Who gets blind copies.
    #[serde(default)]
    pub bcc: Option<Vec<EmailAddress>>,
    /// What goes below plain text.
    #[serde(default)]
    pub text_signature: String,
    /// What goes below HTML.
    #[serde(default)]
    pub html_signature: String,
}
