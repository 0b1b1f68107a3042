//! What a JMAP method means (RFC 8620, RFC 8621): requests over HTTP become questions to the mailbox.
//!
//! Reading works on a [`snapshot`]: the mailbox's folders at one moment, shared with the mailbox and kept between
//! requests, so that a request costs what changed since the last one. What changed for a client comes from the mailbox's
//! log; states are its modseq, so JMAP and IMAP agree by construction. Wired by `node/server` behind `node/http/front`.

mod account;
mod api;
mod begun_reply;
mod blob;
mod call;
mod changes;
mod core_echo;
mod deleted;
mod email;
mod error;
mod identity;
mod ids;
mod jmap;
mod ledgers;
mod limits;
mod mailbox;
mod mdn;
mod parsed;
mod person;
mod principal;
mod push;
mod quota;
mod reach;
mod refused;
mod results;
mod session_object;
mod set_answers;
mod settings;
mod share_notification;
mod snapshot;
mod snapshots;
mod state;
mod submission;
mod thread;
mod vacation;

pub use email::begin_sum;
pub use jmap::{JmapRoutes, JmapServices, routes};
pub use person::forget_person;
pub use push::{Letter, PUSH_SECRETS, PushBell, PushDoor, PushError, WebPush};
pub use settings::JmapSettings;
