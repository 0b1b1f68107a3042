//! What a delivery says.

use hongyan_directory::{FeedEntry, FeedPage};
use serde_json::{Value, json};

use crate::WebhookRecord;

/// The event of new mail.
pub const MAIL: &str = "mail";
/// All of which a webhook may tell: kinds of the change feed, and new mail.
pub const EVENTS: [&str; 9] = [
    "organisation",
    "domain",
    "member",
    "department",
    "tag",
    "group",
    "token",
    "task",
    MAIL,
];
/// Octets of a body from which no further event is put into it; what one event has stays below the rest of a value.
const BODY_OCTETS_MAX: usize = 32_000;
/// Subjects that one event names; what has more is told as several.
const SUBJECTS_MAX: usize = 500;

/// Events for one delivery, and how far in the feed they go.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Value>,
    pub(crate) after: u64,
}

/// What of a page of the feed is for the webhook.
pub(crate) fn of_feed(webhook: &WebhookRecord, page: FeedPage) -> Batch {
    let mut batch = Batch {
        after: webhook.after,
        ..Batch::default()
    };
    let mut octets = 0;
    if page.gap || webhook.after > page.latest {
        batch
            .events
            .push(json!({"event": "gap", "after": webhook.after, "latest": page.latest}));
        batch.after = page.latest;
        return batch;
    }
    for entry in page.entries {
        let number = entry.number;
        for event in of_entry(webhook, &entry) {
            octets += event.to_string().len();
            batch.events.push(event);
        }
        batch.after = number;
        if octets >= BODY_OCTETS_MAX {
            break;
        }
    }
    batch
}

fn of_entry(webhook: &WebhookRecord, entry: &FeedEntry) -> Vec<Value> {
    let wanted = entry
        .subjects
        .iter()
        .filter(|subject| webhook.events.iter().any(|event| event == subject.kind()));
    let subjects: Vec<Value> = wanted
        .map(|subject| json!({"kind": subject.kind(), "id": subject.name()}))
        .collect();
    let part = |subjects: &[Value]| json!({"event": "change", "number": entry.number, "at_millis": entry.at.millis, "subjects": subjects});
    subjects.chunks(SUBJECTS_MAX).map(part).collect()
}

/// The body of a delivery.
pub(crate) fn body(webhook: &WebhookRecord, organisation: &str, number: u64, events: &[Value]) -> String {
    json!({
        "id": format!("{}-{number}", webhook.id),
        "webhook": webhook.id.0,
        "organisation": organisation,
        "events": events,
    })
    .to_string()
}
