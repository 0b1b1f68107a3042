//! Which services there are, as somebody outside reaches them.

use hongyan_types::Domain;

/// What clients may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// IMAP, TLS by STARTTLS.
    Imap,
    /// IMAP, TLS from the start.
    Imaps,
    /// POP3, TLS by STLS.
    Pop3,
    /// POP3, TLS from the start.
    Pop3s,
    /// Submission, TLS by STARTTLS.
    Submission,
    /// Submission, TLS from the start.
    Submissions,
    /// JMAP, the admin API and these documents.
    Https,
    /// The directory, TLS by StartTLS.
    Ldap,
    /// The directory, TLS from the start.
    Ldaps,
}

impl Service {
    /// Whether a connection begins in clear text.
    #[must_use]
    pub fn begins_in_clear(self) -> bool {
        matches!(self, Self::Imap | Self::Pop3 | Self::Submission | Self::Ldap)
    }
}

/// Another name for members abroad (ACC-16): IMAP, POP3 and submission are there too, with the same ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionalHost {
    /// Name of the host.
    pub host: Domain,
    /// What people call the place; empty when nothing is said.
    pub place: String,
}

/// One service where it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Which.
    pub service: Service,
    /// Name of the host, as its certificate has it.
    pub host: Domain,
    /// Port.
    pub port: u16,
}

impl Door {
    /// A URL of a service over HTTPS.
    pub(crate) fn url(&self, path: &str) -> String {
        match self.port {
            443 => format!("https://{}{path}", self.host),
            port => format!("https://{}:{port}{path}", self.host),
        }
    }
}

/// How strictly other servers shall hold to the policy (RFC 8461 §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StsMode {
    /// There is no policy.
    None,
    /// Failures are reported, mail comes all the same.
    Testing,
    /// Mail comes to hosts with a valid certificate or not at all.
    Enforce,
}

impl StsMode {
    /// As the policy has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Testing => "testing",
            Self::Enforce => "enforce",
        }
    }
}

/// MTA-STS of all domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsPolicy {
    /// How strictly.
    pub mode: StsMode,
    /// How long it may be remembered, in seconds.
    pub age_secs_max: u32,
}

/// All that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Services for clients, at most one of a kind.
    pub doors: Vec<Door>,
    /// Other names of the services for mail clients (ACC-16).
    pub regional_hosts: Vec<RegionalHost>,
    /// Hosts that take mail from other servers, the preferred one first; never empty.
    pub mail_hosts: Vec<Domain>,
    /// Domain with an SPF record that names all hosts that send; none: the mail hosts send.
    pub spf_include: Option<Domain>,
    /// MTA-STS.
    pub sts: StsPolicy,
}

impl Offer {
    /// The names of this installation's hosts, each once.
    #[must_use]
    pub fn own_hosts(&self) -> Vec<Domain> {
        let doors = self.doors.iter().map(|door| &door.host);
        let regional = self.regional_hosts.iter().map(|regional| &regional.host);
        let mut hosts: Vec<Domain> = doors.chain(regional).chain(&self.mail_hosts).cloned().collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
    /// Where a service for mail clients is found under other names.
    pub fn regional_doors(&self, service: Service) -> impl Iterator<Item = Door> + '_ {
        let has = !matches!(service, Service::Https | Service::Ldap | Service::Ldaps);
        let door = self.door(service).filter(|_| has);
        door.into_iter().flat_map(move |door| {
            let hosts = self.regional_hosts.iter().map(|regional| &regional.host);
            hosts.filter(|host| **host != door.host).map(move |host| Door {
                service,
                host: host.clone(),
                port: door.port,
            })
        })
    }
    /// Where a service is found, if there is such.
    #[must_use]
    pub fn door(&self, service: Service) -> Option<&Door> {
        self.doors.iter().find(|door| door.service == service)
    }
}
