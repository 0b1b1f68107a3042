//! The named limits of the entry.

use std::time::Duration;

/// Limits of connections; sizes of requests are their route's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontSettings {
    /// Octets of a request's header.
    pub header_octets_max: u32,
    /// Time for a request's header to come, and for a connection to be idle.
    pub idle: Duration,
    /// Requests at the same time on one HTTP/2 connection.
    pub streams_max: u32,
    /// Octets of an answer from which on it is compressed for clients that take that.
    pub compressed_octets_min: u16,
    /// Accounts that one connection may speak for.
    pub callers_max: usize,
    /// Passwords are taken without TLS.
    pub clear_passwords: bool,
    /// Passwords are taken without TLS from this machine.
    pub clear_passwords_on_loopback: bool,
}

impl Default for FrontSettings {
    fn default() -> Self {
        Self {
            header_octets_max: 64 * 1024,
            idle: Duration::from_secs(120),
            streams_max: 100,
            compressed_octets_min: 1_024,
            callers_max: 4,
            clear_passwords: false,
            clear_passwords_on_loopback: false,
        }
    }
}
