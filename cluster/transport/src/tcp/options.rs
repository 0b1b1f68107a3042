//! Bounds and times of the real transport.

use std::time::Duration;

/// Bounds and times. Whoever exceeds a bound is answered so; nothing grows without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportOptions {
    /// The largest payload of a call or reply, in octets.
    pub payload_octets_max: usize,
    /// Calls that may wait for replies of one node.
    pub calls_max: usize,
    /// Calls of one node that are served at the same time.
    pub served_max: usize,
    /// Streams that one node may have open.
    pub streams_max: usize,
    /// Octets of payloads that one node may have in our memory before they are served.
    pub inbound_octets_max: usize,
    /// Octets that may wait to be written to one node.
    pub outbound_octets_max: usize,
    /// Connections that are accepted at the same time, those in their handshake included.
    pub accepted_max: usize,
    /// How long TCP may take to connect: a way on which nothing comes back must not be waited for much longer.
    pub connect: Duration,
    /// How long dialling, TLS and hello may take together.
    pub handshake: Duration,
    /// A connection that has been silent for so long is asked for a sign of life.
    pub ping_every: Duration,
    /// A connection that stays silent for so long, or takes no octet for so long, is dead.
    pub dead_after: Duration,
    /// A connection without calls and streams for so long is closed.
    pub idle: Duration,
    /// How long a node that could not be reached is left alone, at first.
    pub backoff_min: Duration,
    /// The same after many failures.
    pub backoff_max: Duration,
    /// How long after its caller's deadline a service may still work.
    pub service_grace: Duration,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            payload_octets_max: 16 << 20,
            calls_max: 8192,
            served_max: 2048,
            streams_max: 64,
            inbound_octets_max: 64 << 20,
            outbound_octets_max: 64 << 20,
            accepted_max: 2048,
            connect: Duration::from_secs(1),
            handshake: Duration::from_secs(5),
            ping_every: Duration::from_millis(500),
            dead_after: Duration::from_secs(2),
            idle: Duration::from_secs(60),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(2),
            service_grace: Duration::from_secs(1),
        }
    }
}
