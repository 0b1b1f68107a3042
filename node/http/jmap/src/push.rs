//! New states told to those who wait for them: over a stream of events (RFC 8620 §7.3), over a WebSocket (RFC 8887).

mod events;
mod listening;
mod socket;

pub(crate) use events::events;
pub(crate) use socket::socket;
