//! What a client may ask of a session.

use std::time::Duration;

/// Named limits; exceeding one is answered with `-ERR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest command line with its CRLF. RFC 2449 §4 allows 255; passwords and names in UTF-8 want more.
    pub line_octets_max: usize,
    /// Longest line of a SASL exchange with its CRLF (RFC 5034 §4 asks for as much).
    pub auth_line_octets_max: usize,
    /// Unknown or malformed commands before the session ends.
    pub errors_max: u32,
    /// Failed sign-ins before the session ends.
    pub login_failures_max: u32,
    /// Silence before sign-in that ends the session.
    pub authorization_timeout: Duration,
    /// Silence after sign-in that ends the session, without deleting anything (RFC 1939 §3: at least 10 minutes).
    pub transaction_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_octets_max: 1024,
            auth_line_octets_max: 12 * 1024,
            errors_max: 20,
            login_failures_max: 5,
            authorization_timeout: Duration::from_secs(120),
            transaction_timeout: Duration::from_secs(600),
        }
    }
}
