//! Push over a stream of events (RFC 8620 §7.3).

mod events;

pub(crate) use events::events;
