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
    /// Whether clients may sign in on the port that other hosts use, and then send as through submission. Off by default:
    /// RFC 8314 §3.3 gives clients ports of their own, and passwords are guessed where AUTH is offered.
    pub authentication_with_smtp: bool,
    /// Largest header of a message.
    pub header_octets_max: usize,
    /// Received fields after which a message is taken to go in circles (RFC 5321 §6.3 asks for at least 100).
    pub received_max: usize,
    /// How far ahead a submitted message may leave (RFC 4865); zero: not offered.
    pub delayed_send_max: Duration,
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
            authentication_with_smtp: false,
            header_octets_max: 1 << 20,
            received_max: 100,
            delayed_send_max: match mode {
                Mode::Submission => Duration::from_secs(366 * 24 * 3_600),
                Mode::Smtp | Mode::Lmtp => Duration::ZERO,
            },
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

    /// Mechanisms to offer. Port 25 is for other hosts, unless the operator lets clients sign in there; LMTP is for local
    /// agents.
    pub(crate) fn mechanisms(&self, tls: bool) -> Vec<Mechanism> {
        let signs_in = match self.mode {
            Mode::Submission => true,
            Mode::Smtp => self.authentication_with_smtp,
            Mode::Lmtp => false,
        };
        if !signs_in || !(tls || self.authentication_in_clear) {
            return Vec::new();
        }
        // Without TLS there is no channel to bind to.
        let fits = |mechanism: &Mechanism| tls || *mechanism != Mechanism::ScramSha256Plus;
        Mechanism::ALL.into_iter().filter(fits).collect()
    }
}
