//! New states told to those who wait for them: over a stream of events (RFC 8620 §7.3), over a WebSocket (RFC 8887), and
//! posted to places on the web (RFC 8620 §7.2).

mod bell;
mod door;
mod encryption;
mod events;
mod following;
mod listening;
mod socket;
mod subscription;
mod subscription_record;
mod watching;
mod web;

pub use bell::PushBell;
pub use door::{Letter, PushDoor, PushError};
pub(crate) use events::events;
pub(crate) use following::follow_all;
pub(crate) use socket::socket;
pub(crate) use subscription::{get, set};
pub(crate) use subscription_record::forget;
pub use web::{PUSH_SECRETS, WebPush};
