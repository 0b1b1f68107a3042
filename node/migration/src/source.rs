//! Where mail comes from.

use std::net::IpAddr;

use hongyan_types::Domain;

/// How it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP (RFC 3501, RFC 9051): all folders, with flags and dates.
    Imap,
    /// POP3 (RFC 1939): the inbox alone.
    Pop3,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the start.
    Implicit,
    /// By STARTTLS or STLS, before anything else.
    Upgrade,
    /// Not at all.
    None,
}

/// A server of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How it is read.
    pub protocol: Protocol,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
}

impl Protocol {
    /// Its word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
        }
    }
}

impl Tls {
    /// Its word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::Upgrade => "starttls",
            Self::None => "none",
        }
    }
}

impl Source {
    /// The port that the protocol has by itself.
    #[must_use]
    pub fn usual_port(protocol: Protocol, tls: Tls) -> u16 {
        match (protocol, tls) {
            (Protocol::Imap, Tls::Implicit) => 993,
            (Protocol::Imap, _) => 143,
            (Protocol::Pop3, Tls::Implicit) => 995,
            (Protocol::Pop3, _) => 110,
        }
    }
    /// What is wrong with it, before it is asked.
    pub(crate) fn check(&self, clear_allowed: bool) -> Result<(), String> {
        let is_name = Domain::try_from(self.host.as_str()).is_ok();
        if !is_name && self.host.parse::<IpAddr>().is_err() {
            return Err(format!("host: {} is neither a name nor an address", self.host));
        }
        if self.port == 0 {
            return Err("port: 0 is none".to_owned());
        }
        if self.tls == Tls::None && !clear_allowed {
            return Err(
                "tls: sources without TLS are allowed by the operator only (migration.clear_allowed)".to_owned(),
            );
        }
        Ok(())
    }
}
