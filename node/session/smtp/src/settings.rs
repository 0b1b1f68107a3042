//! What the operator sets for the SMTP family.

use std::time::Duration;

use hongyan_sasl::Mechanism;
use hongyan_smtp::Limits;
use hongyan_smtp::server::Mode;
use hongyan_types::Domain;

/// Settings of one port.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Dialect.
    pub mode: Mode,
    /// Our name in greeting and trace.
    pub host_name: Domain,
    /// Bounds of the protocol.
    pub limits: Limits,
    /// Whether passwords may cross the wire in clear: only where the operator trusts the network (loopback in `dev`).
    pub authentication_in_clear: bool,
    /// Largest header of a message.
    pub header_octets_max: usize,
    /// Received fields after which a message is taken to go in circles (RFC 5321 §6.3 asks for at least 100).
    pub received_max: usize,
    /// Time for everything a message's end sets in motion, until the client is told to come again.
    pub delivery_timeout: Duration,
}

impl SmtpSettings {
    /// Defaults for a port of this kind.
    #[must_use]
    pub fn new(mode: Mode, host_name: Domain) -> Self {
        Self {
            mode,
            host_name,
            limits: Limits::default(),
            authentication_in_clear: false,
            header_octets_max: 1 << 20,
            received_max: 100,
            delivery_timeout: Duration::from_secs(60),
        }
    }

    /// Short name for metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.mode {
            Mode::Smtp => "smtp",
            Mode::Submission => "submission",
            Mode::Lmtp => "lmtp",
        }
    }

    /// Mechanisms to offer. Only submission signs anybody in: port 25 is for other hosts, LMTP for local agents.
    pub(crate) fn mechanisms(&self, tls: bool) -> Vec<Mechanism> {
        if self.mode != Mode::Submission || !(tls || self.authentication_in_clear) {
            return Vec::new();
        }
        // Without TLS there is no channel to bind to.
        let fits = |mechanism: &Mechanism| tls || *mechanism != Mechanism::ScramSha256Plus;
        Mechanism::ALL.into_iter().filter(fits).collect()
    }
}
