//! Webhooks: what changes in an organisation, and new mail, posted to programs of the organisation (API-3).
//!
//! A delivery is written down before it is posted, with its body; it is posted until the receiver has taken it, always the same,
//! one after the other. A receiver that takes nothing for a day is switched off, and the administrators are told. Whoever has
//! the webhook's partition posts, so the work goes on when a node dies; it may then come twice, under the same id. The directory's
//! change feed is the source; [`NewMail`] is told by delivery. Keys: key.rs. Called by the admin API; wired by `node/server`.

mod door;
mod event;
mod id;
mod key;
mod new_mail;
mod options;
mod post;
mod record;
mod runner;
mod signature;
mod web;
mod webhooks;

pub use door::{Door, Letter};
pub use event::{EVENTS, MAIL};
pub use id::WebhookId;
pub use new_mail::NewMail;
pub use options::WebhookOptions;
pub use record::delivery::{Attempt, DeliveryRecord};
pub use record::secret::WEBHOOK_SECRETS;
pub use record::webhook::{WebhookRecord, WebhookState};
pub use runner::Runner;
pub use signature::signature;
pub use web::WebDoor;
pub use webhooks::{Error, NewWebhook, WebhookChange, Webhooks};
