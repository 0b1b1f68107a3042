//! Identity (RFC 8621 §6): as whom the user sends.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::header::EmailAddress;
use super::{Properties, plain_properties};
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

impl Identity {
    /// Writes the properties asked for.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn write<S: Serializer>(&self, properties: &Properties<IdentityProperty>, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for property in properties.iter() {
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
            }?;
        }
        map.end()
    }
}

/// An identity as a client asked for it.
#[derive(Debug)]
pub struct IdentityView<'p> {
    /// The identity.
    pub identity: Identity,
    /// What was asked for.
    pub properties: &'p Properties<IdentityProperty>,
}

impl Serialize for IdentityView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.identity.write(self.properties, serializer)
    }
}
