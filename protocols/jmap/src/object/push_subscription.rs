//! PushSubscription (RFC 8620 §7.2): a place that is told of new states.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use super::{Record, plain_properties};
use crate::{Id, UtcDate};

plain_properties! {
    /// A property of a place to push to. Its URL and keys are told to nobody.
    PushSubscriptionProperty {
        /// Its id.
        Id = "id",
        /// The client's name for its device.
        DeviceClientId = "deviceClientId",
        /// What showed that it wants to be told.
        VerificationCode = "verificationCode",
        /// Until when it is told.
        Expires = "expires",
        /// Kinds of records that it is told of.
        Types = "types",
    }
}

/// A place to push to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// Its id.
    pub id: Id,
    /// The client's name for its device.
    pub device_client_id: String,
    /// What showed that it wants to be told, if it has.
    pub verification_code: Option<String>,
    /// Until when it is told.
    pub expires: UtcDate,
    /// Kinds of records that it is told of; all when absent.
    pub types: Option<Vec<String>>,
}

impl Record for PushSubscription {
    type Property = PushSubscriptionProperty;
    fn write<M: SerializeMap>(&self, property: &PushSubscriptionProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            PushSubscriptionProperty::Id => map.serialize_entry(name, &self.id),
            PushSubscriptionProperty::DeviceClientId => map.serialize_entry(name, &self.device_client_id),
            PushSubscriptionProperty::VerificationCode => map.serialize_entry(name, &self.verification_code),
            PushSubscriptionProperty::Expires => map.serialize_entry(name, &self.expires),
            PushSubscriptionProperty::Types => map.serialize_entry(name, &self.types),
        }
    }
}

/// A new place to push to as a client describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPushSubscription {
    /// The client's name for its device.
    pub device_client_id: String,
    /// Where to post.
    pub url: String,
    /// For whom to encrypt.
    #[serde(default)]
    pub keys: Option<PushKeysText>,
    /// Until when.
    #[serde(default)]
    pub expires: Option<UtcDate>,
    /// Of what.
    #[serde(default)]
    pub types: Option<Vec<String>>,
}

/// Keys in base64url (RFC 8291 §2).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushKeysText {
    /// A point of P-256.
    pub p256dh: String,
    /// A secret.
    pub auth: String,
}

/// What is posted to a new place (RFC 8620 §7.2.2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PushVerification<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    push_subscription_id: &'a Id,
    verification_code: &'a str,
}

impl<'a> PushVerification<'a> {
    /// For this place, with the code that its client must show.
    #[must_use]
    pub fn new(push_subscription_id: &'a Id, verification_code: &'a str) -> Self {
        Self {
            kind: "PushVerification",
            push_subscription_id,
            verification_code,
        }
    }
}
