//! The keys of webhooks. Layout, each a tuple:
//!
//! ("webhook", "next")                        the last identifier given out
//! ("webhook", "record", webhook)             record/webhook.rs
//! ("webhook", "secret", webhook)             record/secret.rs
//! ("webhook", "of", tenant, webhook)         empty
//! ("webhook", "delivery", webhook, number)   record/delivery.rs, the latest only
//! ("webhook", "mail", webhook, account)      when new mail came that is still to be told, milliseconds, little-endian

use bytes::Bytes;
use hongyan_kv::Tuple;
use hongyan_types::TenantId;

use crate::WebhookId;

fn webhook(kind: &str) -> Tuple {
    Tuple::new().string("webhook").string(kind)
}
pub(crate) fn next() -> Bytes {
    webhook("next").pack()
}
pub(crate) fn records() -> Tuple {
    webhook("record")
}
pub(crate) fn record(id: WebhookId) -> Bytes {
    records().int(id.0).pack()
}
pub(crate) fn secrets() -> Tuple {
    webhook("secret")
}
pub(crate) fn secret(id: WebhookId) -> Bytes {
    secrets().int(id.0).pack()
}
pub(crate) fn of(tenant: TenantId) -> Tuple {
    webhook("of").int(tenant.0)
}
pub(crate) fn deliveries(id: WebhookId) -> Tuple {
    webhook("delivery").int(id.0)
}
pub(crate) fn mail(id: WebhookId) -> Tuple {
    webhook("mail").int(id.0)
}
