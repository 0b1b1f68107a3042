//! Limits of LDAP sessions.

use std::net::IpAddr;
use std::time::Duration;

use hongyan_ldap_wire::Limits;

/// Named limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapServerSettings {
    /// Limits of the protocol: messages, filters, requests, silence.
    pub limits: Limits,
    /// Entries that one answer has at most; more are had page by page.
    pub entries_max: usize,
    /// How long a search may take.
    pub search_within: Duration,
    /// Whether loopback clients may sign in without TLS.
    pub clear_passwords_on_loopback: bool,
    /// Whether every client may.
    pub clear_passwords: bool,
}

impl LdapServerSettings {
    /// Whether a client there may sign in without TLS.
    pub(crate) fn takes_clear_passwords(&self, peer: IpAddr) -> bool {
        self.clear_passwords || (self.clear_passwords_on_loopback && peer.to_canonical().is_loopback())
    }
}

impl Default for LdapServerSettings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            entries_max: 500,
            search_within: Duration::from_secs(10),
            clear_passwords_on_loopback: false,
            clear_passwords: false,
        }
    }
}
