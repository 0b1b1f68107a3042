//! One webhook, at ("webhook", "record", webhook).

use bytes::Bytes;
use hongyan_kv::record::{RecordError, Schema, decode as read, encode as write};
use hongyan_types::{TenantId, Timestamp};
use minicbor::{Decode, Encode};

use crate::WebhookId;

/// Whether a webhook is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WebhookState {
    /// It is.
    #[n(0)]
    On,
    /// Someone has switched it off.
    #[n(1)]
    Off,
    /// It was switched off because its receiver took nothing.
    #[n(2)]
    Failed,
}

impl WebhookState {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Failed => "failed",
        }
    }
}

/// A webhook without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Its identifier.
    pub id: WebhookId,
    /// Whose.
    pub tenant: TenantId,
    /// What it is for.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Of what it tells.
    pub events: Vec<String>,
    /// Whether it is used.
    pub state: WebhookState,
    /// The last change of the tenant that is in a delivery, or not for it.
    pub after: u64,
    /// The number of the last delivery.
    pub last: u64,
    /// The delivery that is still to be taken.
    pub pending: Option<u64>,
    /// Since when its receiver has taken nothing.
    pub failing_since: Option<Timestamp>,
    /// How often the pending delivery was posted in vain.
    pub failures: u32,
    /// When it is posted again.
    pub next: Timestamp,
    /// When it was made.
    pub created: Timestamp,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[n(0)]
    tenant: u64,
    #[n(1)]
    name: String,
    #[n(2)]
    url: String,
    #[n(3)]
    events: Vec<String>,
    #[n(4)]
    state: WebhookState,
    #[n(5)]
    after: u64,
    #[n(6)]
    last: u64,
    #[n(7)]
    pending: Option<u64>,
    #[n(8)]
    failing_since_millis: Option<i64>,
    #[n(9)]
    failures: u32,
    #[n(10)]
    next_millis: i64,
    #[n(11)]
    created_millis: i64,
}

const SCHEMA: Schema = Schema(1);

pub(crate) fn encode(webhook: &WebhookRecord) -> Bytes {
    let body = V1 {
        tenant: webhook.tenant.0,
        name: webhook.name.clone(),
        url: webhook.url.clone(),
        events: webhook.events.clone(),
        state: webhook.state,
        after: webhook.after,
        last: webhook.last,
        pending: webhook.pending,
        failing_since_millis: webhook.failing_since.map(|since| since.millis),
        failures: webhook.failures,
        next_millis: webhook.next.millis,
        created_millis: webhook.created.millis,
    };
    write(SCHEMA, &body)
}

pub(crate) fn decode(id: WebhookId, stored: &[u8]) -> Result<WebhookRecord, RecordError> {
    let body: V1 = read(SCHEMA, stored)?;
    let at = |millis| Timestamp { millis };
    Ok(WebhookRecord {
        id,
        tenant: TenantId(body.tenant),
        name: body.name,
        url: body.url,
        events: body.events,
        state: body.state,
        after: body.after,
        last: body.last,
        pending: body.pending,
        failing_since: body.failing_since_millis.map(at),
        failures: body.failures,
        next: at(body.next_millis),
        created: at(body.created_millis),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let webhook = WebhookRecord {
            id: WebhookId(9),
            tenant: TenantId(3),
            name: "n".to_owned(),
            url: "u".to_owned(),
            events: vec!["mail".to_owned()],
            state: WebhookState::Failed,
            after: 4,
            last: 5,
            pending: Some(5),
            failing_since: Some(Timestamp { millis: 6 }),
            failures: 7,
            next: Timestamp { millis: 8 },
            created: Timestamp { millis: 1 },
        };
        let golden = b"\x01\x00\x01\xac\x00\x03\x01\x61n\x02\x61u\x03\x81\x64mail\x04\x02\x05\x04\x06\x05\x07\x05\x08\x06\x09\x07\x0a\x08\x0b\x01";
        assert_eq!(&encode(&webhook)[..], golden);
        assert_eq!(decode(WebhookId(9), golden), Ok(webhook));
    }
}
