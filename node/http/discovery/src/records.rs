//! The DNS records that make mail for a domain come here, leave from here trusted, and its services found.

use std::fmt;
use std::fmt::Write;

use hongyan_types::Domain;

use crate::offer::{Offer, Service, StsMode};
use crate::sts;

/// Time that name servers may remember a record (DOM-5).
pub const RECORD_SECS: u32 = 3600;
/// Octets of one character string of a TXT record (RFC 1035 §3.3).
const STRING_OCTETS_MAX: usize = 255;

/// What is done without a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it mail does not come, or the domain is not taken for its owner's.
    Required,
    /// Without it mail works worse.
    Advised,
    /// Comfort.
    Optional,
}

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Shows whose the domain is (DOM-4).
    Ownership,
    /// Brings mail here (DOM-5).
    Receiving,
    /// Lets others trust what is sent (DOM-7).
    Sending,
    /// Lets other servers send here over TLS only.
    Security,
    /// Lets clients find the services.
    Discovery,
    /// Names that people can remember (DOM-6).
    Names,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Mail comes to this host.
    Mx {
        /// The lower, the earlier.
        preference: u16,
        /// Where.
        host: Domain,
    },
    /// Text, without quotes.
    Txt(String),
    /// Another name of a host.
    Cname(Domain),
    /// A service (RFC 2782).
    Srv {
        /// Port.
        port: u16,
        /// Where; none: not offered.
        host: Option<Domain>,
    },
}

impl Value {
    /// The record's type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mx { .. } => "MX",
            Self::Txt(_) => "TXT",
            Self::Cname(_) => "CNAME",
            Self::Srv { .. } => "SRV",
        }
    }
}

impl fmt::Display for Value {
    /// As a zone file has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mx { preference, host } => write!(f, "{preference} {host}."),
            Self::Cname(host) => write!(f, "{host}."),
            Self::Srv { port, host: Some(host) } => write!(f, "0 1 {port} {host}."),
            // RFC 2782: a single dot says that the service is decidedly not offered.
            Self::Srv { host: None, .. } => f.write_str("0 0 0 ."),
            Self::Txt(text) => {
                let mut octets = 0;
                f.write_char('"')?;
                for character in text.chars() {
                    octets += character.len_utf8();
                    if octets > STRING_OCTETS_MAX {
                        octets = character.len_utf8();
                        f.write_str("\" \"")?;
                    }
                    if matches!(character, '"' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(character)?;
                }
                f.write_char('"')
            }
        }
    }
}

/// One record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its full name, without a final dot.
    pub name: String,
    /// What it says.
    pub value: Value,
    /// What it is for.
    pub purpose: Purpose,
    /// How much it is needed.
    pub need: Need,
}

/// A key that signs a domain's mail (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dkim {
    /// Its name.
    pub selector: String,
    /// The TXT record's text: `v=DKIM1; k=..; p=..`.
    pub text: String,
}

/// What others shall do with mail from hosts that the SPF record does not name (DOM-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpfEnd {
    /// `~all`: until the checks have passed.
    #[default]
    Soft,
    /// `-all`.
    Hard,
}

/// Proves whose a domain is: either of two records (DOM-4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// Text of the TXT record of `_hongyan`.
    pub text: String,
    /// Label of the CNAME record that leads to the first mail host instead.
    pub label: String,
}

/// What is known of a domain beside the offer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Zone {
    /// What proves ownership; none once it is proven.
    pub ownership: Option<Ownership>,
    /// Keys that sign its mail.
    pub dkim: Vec<Dkim>,
    /// How its SPF record ends.
    pub spf: SpfEnd,
}

/// All records for the zone of `domain`, the most needed first.
#[must_use]
pub fn records_to_publish(domain: &Domain, zone: &Zone, offer: &Offer) -> Vec<Record> {
    let mut list = List {
        domain,
        records: Vec::new(),
    };
    if let Some(Ownership { text, label }) = &zone.ownership {
        list.text("_hongyan", text.clone(), Purpose::Ownership, Need::Required);
        if let Some(host) = offer.mail_hosts.first() {
            list.alias(label, host, Purpose::Ownership, Need::Optional);
        }
    }
    list.receiving(offer);
    list.sending(zone, offer);
    list.security(offer);
    list.discovery(offer);
    list.names(offer);
    list.records
}

struct List<'d> {
    domain: &'d Domain,
    records: Vec<Record>,
}

impl List<'_> {
    fn push(&mut self, label: &str, value: Value, purpose: Purpose, need: Need) {
        let name = match label {
            "" => self.domain.to_string(),
            label => format!("{label}.{}", self.domain),
        };
        self.records.push(Record {
            name,
            value,
            purpose,
            need,
        });
    }

    fn text(&mut self, label: &str, text: String, purpose: Purpose, need: Need) {
        self.push(label, Value::Txt(text), purpose, need);
    }

    fn alias(&mut self, label: &str, host: &Domain, purpose: Purpose, need: Need) {
        let is_itself = host
            .as_str()
            .strip_suffix(self.domain.as_str())
            .and_then(|rest| rest.strip_suffix('.'))
            == Some(label);
        if !is_itself {
            self.push(label, Value::Cname(host.clone()), purpose, need);
        }
    }

    /// DOM-5: 10, then 50.
    fn receiving(&mut self, offer: &Offer) {
        for (place, host) in offer.mail_hosts.iter().enumerate() {
            let value = Value::Mx {
                preference: if place == 0 { 10 } else { 50 },
                host: host.clone(),
            };
            self.push("", value, Purpose::Receiving, Need::Required);
        }
    }

    fn sending(&mut self, zone: &Zone, offer: &Offer) {
        let end = match zone.spf {
            SpfEnd::Soft => "~all",
            SpfEnd::Hard => "-all",
        };
        let who = match &offer.spf_include {
            Some(included) => format!("include:{included}"),
            None => "mx".to_owned(),
        };
        let (purpose, need) = (Purpose::Sending, Need::Advised);
        self.text("", format!("v=spf1 {who} {end}"), purpose, need);
        for host in &offer.mail_hosts {
            // RFC 7208 §2.3: reports come from the host itself. Its record is the business of whoever has its zone.
            let below = host.as_str().strip_suffix(self.domain.as_str());
            if let Some(label) = below.and_then(|rest| rest.strip_suffix('.')) {
                self.text(label, "v=spf1 a -all".to_owned(), purpose, need);
            }
        }
        for key in &zone.dkim {
            let label = format!("{}._domainkey", key.selector);
            self.text(&label, key.text.clone(), purpose, need);
        }
        let dmarc = format!("v=DMARC1; p=none; rua=mailto:postmaster@{}", self.domain);
        self.text("_dmarc", dmarc, purpose, need);
    }

    /// RFC 8461 §3.1, RFC 8460 §3. The policy is read from its own host, so the record makes no sense without it.
    fn security(&mut self, offer: &Offer) {
        let Some(https) = offer.door(Service::Https) else {
            return;
        };
        if offer.sts.mode == StsMode::None || https.port != sts::PORT {
            return;
        }
        let (purpose, need) = (Purpose::Security, Need::Advised);
        self.text("_mta-sts", sts::record(offer), purpose, need);
        self.alias("mta-sts", &https.host, purpose, need);
        let reports = format!("v=TLSRPTv1; rua=mailto:postmaster@{}", self.domain);
        self.text("_smtp._tls", reports, purpose, need);
    }

    fn discovery(&mut self, offer: &Offer) {
        use Service::{Https, Imap, Imaps, Pop3, Pop3s, Submission, Submissions};
        let purpose = Purpose::Discovery;
        // RFC 8314 §5.1: TLS from the start first; RFC 6186 §3.4: what is also there without is not made known then.
        for (service, label, tls, tls_label) in [
            (Imap, "_imap._tcp", Imaps, "_imaps._tcp"),
            (Submission, "_submission._tcp", Submissions, "_submissions._tcp"),
            (Pop3, "_pop3._tcp", Pop3s, "_pop3s._tcp"),
        ] {
            let clear = match offer.door(tls) {
                Some(door) => {
                    self.service(tls_label, door.port, &door.host);
                    None
                }
                None => offer.door(service),
            };
            match clear {
                Some(door) => self.service(label, door.port, &door.host),
                None => self.push(label, Value::Srv { port: 0, host: None }, purpose, Need::Optional),
            }
        }
        // Clients look a directory up by its own name only, so nothing is said where there is none.
        for (service, label) in [(Service::Ldap, "_ldap._tcp"), (Service::Ldaps, "_ldaps._tcp")] {
            if let Some(door) = offer.door(service) {
                self.service(label, door.port, &door.host);
            }
        }
        let Some(https) = offer.door(Https) else { return };
        // RFC 8620 §2.2.
        self.service("_jmap._tcp", https.port, &https.host);
        self.service("_autodiscover._tcp", https.port, &https.host);
        for label in ["autoconfig", "autodiscover"] {
            self.alias(label, &https.host, purpose, Need::Advised);
        }
    }

    fn service(&mut self, label: &str, port: u16, host: &Domain) {
        let host = Some(host.clone());
        self.push(label, Value::Srv { port, host }, Purpose::Discovery, Need::Advised);
    }

    fn names(&mut self, offer: &Offer) {
        use Service::{Imap, Imaps, Pop3, Pop3s, Submission, Submissions};
        for (label, services) in [
            ("imap", [Imaps, Imap]),
            ("smtp", [Submissions, Submission]),
            ("pop", [Pop3s, Pop3]),
        ] {
            if let Some(door) = services.into_iter().find_map(|service| offer.door(service)) {
                self.alias(label, &door.host, Purpose::Names, Need::Optional);
            }
        }
    }
}

/// Records as lines of a zone file.
#[must_use]
pub fn zone_file(records: &[Record]) -> String {
    let mut zone = String::new();
    for Record { name, value, .. } in records {
        let (name, kind) = (format!("{name}."), value.kind());
        let _ = writeln!(zone, "{name:<34} {RECORD_SECS} IN {kind:<5} {value}");
    }
    zone
}

#[cfg(test)]
#[path = "records_test.rs"]
mod tests;
