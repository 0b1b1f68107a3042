//! How mail leaves.

use std::time::Duration;

use hongyan_sasl::Secret;
use hongyan_smtp::ClientLimits;

/// Settings of outbound delivery.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// What we call ourselves in EHLO: a host name that resolves to our address.
    pub host_name: String,
    /// Port of mail exchangers. 25, but for tests.
    pub port: u16,
    /// Send everything here instead of looking up MX records.
    pub relay_host: Option<RelayHost>,
    /// Connections to one destination at a time, at most. Default 5.
    pub destination_connections_max: usize,
    /// Connections in all, at most. Default 200.
    pub connections_max: usize,
    /// Messages over one connection, at most. Default 100.
    pub connection_messages_max: usize,
    /// How long a connection waits for another message. Default 10 s.
    pub idle: Duration,
    /// How long the connection, and then its TLS handshake, may take. Default 30 s.
    pub connect_timeout: Duration,
    /// Messages that wait for one destination in memory, at most; more are looked at again a little later. Default 500.
    pub destination_waiting_max: usize,
    /// How long a destination that could not be reached is not tried again, whatever waits for it. Default 10 s.
    pub unreachable: Duration,
    /// Hosts tried in one attempt, at most. Default 5.
    pub hosts_max: usize,
    /// Bounds of the SMTP client.
    pub limits: ClientLimits,
}

impl RelaySettings {
    /// The shipped values.
    #[must_use]
    pub fn new(host_name: impl Into<String>) -> Self {
        Self {
            host_name: host_name.into(),
            port: 25,
            relay_host: None,
            destination_connections_max: 5,
            connections_max: 200,
            connection_messages_max: 100,
            idle: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(30),
            destination_waiting_max: 500,
            unreachable: Duration::from_secs(10),
            hosts_max: 5,
            limits: ClientLimits::default(),
        }
    }
}

/// A server that takes all our outbound mail.
#[derive(Debug, Clone)]
pub struct RelayHost {
    /// Its name, or its address in digits.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: RelayTls,
    /// User name and password, if it wants them.
    pub credentials: Option<(String, Secret)>,
}

/// How a connection to a relay host is protected. The certificate is verified but for [`RelayTls::Opportunistic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RelayTls {
    /// TLS from the first octet (RFC 8314).
    Implicit,
    /// STARTTLS or nothing is sent.
    #[default]
    Required,
    /// STARTTLS when offered, whoever answers; never with credentials in clear.
    Opportunistic,
}
