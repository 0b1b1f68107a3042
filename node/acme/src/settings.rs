//! The named limits of ordering.

use std::time::Duration;

use hongyan_types::Domain;
use rustls_pki_types::CertificateDer;

/// How a name is proven to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// By a file that the authority fetches over HTTP (RFC 8555 §8.3).
    Http01,
    /// By a certificate that it is shown (RFC 8737).
    TlsAlpn01,
}

/// What is ordered, and how.
#[derive(Debug, Clone)]
pub struct AcmeSettings {
    /// URL of the authority's directory; none is ordered when it is empty.
    pub directory: String,
    /// Addresses that the authority may write to.
    pub contacts: Vec<String>,
    /// How names are proven.
    pub challenge: Challenge,
    /// The operator's own names; none when they have a certificate already.
    pub own_names: Vec<Domain>,
    /// Clients that name no host, or an unknown one, are shown the certificate of the operator's names.
    pub serves_unnamed: bool,
    /// Roots that the authority's own server is trusted by; none: those of the web.
    pub roots: Vec<CertificateDer<'static>>,
    /// Time between two rounds.
    pub round_every: Duration,
    /// Time between two looks at the store, when nothing tells of a change.
    pub look_every: Duration,
    /// Time that all nodes have to show an answer by TLS-ALPN-01 before the authority is told to look.
    pub settle: Duration,
    /// Time for an order.
    pub order_within: Duration,
    /// Orders in a round.
    pub orders_at_once_max: usize,
    /// Time between two looks at the names of a domain.
    pub names_every: Duration,
    /// Pause after the first failure; each further one doubles it.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

impl AcmeSettings {
    /// Defaults for an authority.
    #[must_use]
    pub fn new(directory: String) -> Self {
        Self {
            directory,
            contacts: Vec::new(),
            challenge: Challenge::TlsAlpn01,
            own_names: Vec::new(),
            serves_unnamed: true,
            roots: Vec::new(),
            round_every: Duration::from_secs(60),
            look_every: Duration::from_secs(30),
            settle: Duration::from_secs(3),
            order_within: Duration::from_secs(180),
            orders_at_once_max: 20,
            names_every: Duration::from_secs(3_600),
            pause_min: Duration::from_secs(600),
            pause_max: Duration::from_secs(86_400),
        }
    }

    /// The pause after so many failures in a row.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        self.pause_min.saturating_mul(1 << doublings).min(self.pause_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_day() {
        let settings = AcmeSettings::new(String::new());
        let pauses: Vec<_> = [1, 2, 3, 8, 9, 1_000]
            .map(|failures| settings.pause(failures).as_secs())
            .into();
        assert_eq!(pauses, [600, 1_200, 2_400, 76_800, 86_400, 86_400]);
    }
}
