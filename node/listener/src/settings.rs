//! Limits of a listener.

use std::time::Duration;

use hongyan_types::Network;

/// Named limits; exceeding one closes or refuses a connection, never the listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Longest time from the first connection packet to the end of a TLS handshake.
    pub handshake_timeout: Duration,
    /// Handshakes that may run at once in one port; a client that has sent nothing yet does not count.
    pub handshakes_max: usize,
    /// Longest time in which a client takes not one octet of what is written to it.
    pub write_timeout: Duration,
    /// Longest time in which a connection that we close waits for the client to close it too.
    pub linger_timeout: Duration,
    /// Silence after which the kernel probes the peer.
    pub keepalive_idle: Duration,
    /// Peers that must begin with a PROXY header (v1 or v2), which then names the client.
    pub proxy_networks: Vec<Network>,
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(30),
            handshakes_max: 512,
            write_timeout: Duration::from_secs(60),
            linger_timeout: Duration::from_secs(1),
            keepalive_idle: Duration::from_secs(300),
            proxy_networks: Vec::new(),
        }
    }
}
