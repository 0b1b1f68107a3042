//! Preferences as they are kept: what differs from the defaults alone, so that better defaults reach everyone.

use bytes::Bytes;
use hongyan_kv::record::{self, RecordError, Schema};
use minicbor::{Decode, Encode};

use crate::Preferences;

#[derive(Encode, Decode)]
struct V1 {
    /// The fields that differ, as the JSON that the API shows.
    #[n(0)]
    fields: String,
}

enum Stored {
    V1(V1),
}

pub(crate) fn encode(preferences: &Preferences) -> Bytes {
    let value = |preferences: &Preferences| serde_json::to_value(preferences).unwrap_or_default();
    let (mut fields, defaults) = (value(preferences), value(&Preferences::default()));
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|name, value| defaults.get(name) != Some(value));
    }
    let body = V1 {
        fields: fields.to_string(),
    };
    record::encode(Schema(1), &body)
}

pub(crate) fn decode(stored: &[u8]) -> Result<Preferences, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    let unreadable = |error: serde_json::Error| RecordError::Body(error.to_string());
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&body.fields).map_err(unreadable)?;
    // What a later release knows is not lost on it: it wrote what this one does not show.
    let known = serde_json::to_value(Preferences::default()).unwrap_or_default();
    fields.retain(|name, _| known.get(name).is_some());
    serde_json::from_value(fields.into()).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let preferences = Preferences {
            page_mails: 50,
            ..Preferences::default()
        };
        let stored = encode(&preferences);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "01000181717b22706167655f6d61696c73223a35307d");
        assert_eq!(decode(&stored), Ok(preferences));
        let later = V1 {
            fields: r#"{"page_mails":50,"scent":"pine"}"#.to_owned(),
        };
        let stored = record::encode(Schema(1), &later);
        assert_eq!(decode(&stored).map(|read| read.page_mails), Ok(50));
    }
}
