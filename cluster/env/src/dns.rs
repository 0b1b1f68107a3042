//! Questions to the DNS and the shape of the answers.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::BoxFuture;

/// What DNSSEC says of an answer (RFC 4035 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Signed, and the chain of trust holds.
    Secure,
    /// Not signed, or not validated by this resolver.
    Insecure,
}

/// The records found; an empty list means that the name exists without records of that type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The records, in the order received.
    pub records: Vec<T>,
    /// Whether all of them are proven.
    pub security: Security,
}

impl<T> Answer<T> {
    /// No records, not proven.
    #[must_use]
    pub fn none() -> Self {
        Self {
            records: Vec::new(),
            security: Security::Insecure,
        }
    }
}

/// A mail exchanger (RFC 1035 §3.3.9). The exchange `.` says that the domain takes no mail (RFC 7505).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MxRecord {
    /// Lower is tried first.
    pub preference: u16,
    /// Host name, lower case, without the final dot; `.` for the null MX.
    pub exchange: String,
}

/// A certificate association (RFC 6698 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsaRecord {
    /// Certificate usage.
    pub usage: u8,
    /// Selector.
    pub selector: u8,
    /// Matching type.
    pub matching: u8,
    /// Certificate association data.
    pub data: Vec<u8>,
}

/// A service location (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrvRecord {
    /// Lower is tried first.
    pub priority: u16,
    /// Share among those of the same priority.
    pub weight: u16,
    /// Port.
    pub port: u16,
    /// Host name, lower case, without the final dot; `.` says that the service is not offered.
    pub target: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist (NXDOMAIN).
    #[error("name does not exist")]
    NoSuchName,
    /// The name cannot be asked for: a label is too long or the syntax is wrong.
    #[error("name is not valid")]
    InvalidName,
    /// Signatures do not hold: nothing from this answer may be used (RFC 4035 §4.3, Bogus).
    #[error("answer fails DNSSEC validation")]
    Bogus,
    /// No server answered, or one answered with a failure. May pass.
    #[error("name servers do not answer: {0}")]
    Temporary(String),
}

impl DnsError {
    /// Whether asking again later may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Bogus | Self::Temporary(_))
    }
}

/// A resolver. Names are given in ASCII form (A-labels), with or without the final dot, and are always absolute.
pub trait Dns: Send + Sync + 'static {
    /// Mail exchangers of `name`.
    fn mx<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<MxRecord>, DnsError>>;
    /// IPv4 addresses of `name`.
    fn a<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Ipv4Addr>, DnsError>>;
    /// IPv6 addresses of `name`.
    fn aaaa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Ipv6Addr>, DnsError>>;
    /// Texts of `name`, each record's strings joined.
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Vec<u8>>, DnsError>>;
    /// Certificate associations of `name`, which carries port and protocol: `_25._tcp.host.example`.
    fn tlsa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<TlsaRecord>, DnsError>>;
    /// The canonical name of `name`, when it is an alias (RFC 1035 §3.3.1).
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<String>, DnsError>>;
    /// Hosts of the service `name`, which carries service and protocol: `_imaps._tcp.example`.
    fn srv<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<SrvRecord>, DnsError>>;
    /// Name servers of the zone `name`.
    fn ns<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<String>, DnsError>>;
    /// A resolver that asks the name server at `address` and no other.
    fn at(&self, address: std::net::IpAddr) -> std::sync::Arc<dyn Dns>;
    /// Names of the address `address` (in-addr.arpa, ip6.arpa).
    fn ptr(&self, address: std::net::IpAddr) -> BoxFuture<'_, Result<Answer<String>, DnsError>>;
}
