//! What a client may ask of a session.

use std::time::Duration;

/// Named limits; exceeding one is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest message with its head; a longer one ends the session with protocolError.
    pub message_octets_max: usize,
    /// How deep a filter may be nested; deeper ones are answered with adminLimitExceeded.
    pub filter_depth_max: usize,
    /// How many parts a filter may have in all, answered likewise.
    pub filter_parts_max: usize,
    /// Requests that may wait or be worked on; the next is answered with busy.
    pub operations_max: usize,
    /// Refused binds before the session ends.
    pub bind_failures_max: u32,
    /// Silence before a bind that ends the session.
    pub anonymous_timeout: Duration,
    /// Silence after a bind that ends the session.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_octets_max: 64 * 1024,
            filter_depth_max: 20,
            filter_parts_max: 500,
            operations_max: 16,
            bind_failures_max: 5,
            anonymous_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(900),
        }
    }
}
