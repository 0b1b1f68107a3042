//! The real resolver: hickory, validating DNSSEC, with the name servers of the system's configuration.
//!
//! It is made on first use, so that a node without outbound mail, or without a readable configuration, starts anyway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError as HickoryDnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::{Answer, BoxFuture, Dns, DnsError, MxRecord, Security, TlsaRecord};

/// How many answers are kept until their time to live ends.
const CACHE_ENTRIES: u64 = 4096;

/// Asks the name servers of `/etc/resolv.conf`.
#[derive(Default)]
pub struct ResolverDns {
    resolver: OnceLock<Result<TokioResolver, String>>,
}

impl ResolverDns {
    /// The resolver of the system's configuration, read at the first question.
    #[must_use]
    pub fn from_system() -> Self {
        Self::default()
    }
    fn resolver(&self) -> Result<&TokioResolver, DnsError> {
        let made = self.resolver.get_or_init(|| {
            let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
            let options = builder.options_mut();
            options.validate = true;
            options.edns0 = true;
            options.cache_size = CACHE_ENTRIES;
            builder.build().map_err(|error| error.to_string())
        });
        made.as_ref().map_err(|reason| DnsError::Temporary(reason.clone()))
    }
    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Answer<T>, DnsError> {
        let mut name = Name::from_ascii(name).map_err(|_| DnsError::InvalidName)?;
        // Search lists are for people; mail names are absolute.
        name.set_fqdn(true);
        match self.resolver()?.lookup(name, kind).await {
            Ok(lookup) => collect(&lookup, kind, read),
            Err(error) => failure(&error),
        }
    }
}

fn collect<T>(lookup: &Lookup, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Result<Answer<T>, DnsError> {
    let mut secure = true;
    let mut records = Vec::new();
    for record in lookup.answers() {
        match record.proof {
            Proof::Bogus => return Err(DnsError::Bogus),
            // The aliases on the way count too: who forges the CNAME chooses the answer.
            Proof::Insecure | Proof::Indeterminate => secure = false,
            Proof::Secure => {}
        }
        if record.record_type() == kind {
            records.extend(read(&record.data));
        }
    }
    let security = if secure && !records.is_empty() {
        Security::Secure
    } else {
        Security::Insecure
    };
    Ok(Answer { records, security })
}

fn failure<T>(error: &NetError) -> Result<Answer<T>, DnsError> {
    match error {
        NetError::Dns(HickoryDnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Err(DnsError::NoSuchName),
            ResponseCode::NoError => Ok(Answer::none()),
            code => Err(DnsError::Temporary(code.to_string())),
        },
        NetError::Dns(HickoryDnsError::ResponseCode(ResponseCode::NXDomain)) => Err(DnsError::NoSuchName),
        NetError::Dns(HickoryDnsError::DnssecBogus) => Err(DnsError::Bogus),
        NetError::Dns(HickoryDnsError::Nsec {
            proof: Proof::Bogus, ..
        }) => Err(DnsError::Bogus),
        NetError::Dns(HickoryDnsError::Nsec { response, .. }) => match response.metadata.response_code {
            ResponseCode::NXDomain => Err(DnsError::NoSuchName),
            ResponseCode::NoError => Ok(Answer::none()),
            code => Err(DnsError::Temporary(code.to_string())),
        },
        other => Err(DnsError::Temporary(other.to_string())),
    }
}

fn host_name(name: &Name) -> String {
    if name.is_root() {
        return ".".to_owned();
    }
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_ascii_lowercase()
}

impl Dns for ResolverDns {
    fn mx<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<MxRecord>, DnsError>> {
        Box::pin(self.ask(name, RecordType::MX, |data| match data {
            RData::MX(mx) => Some(MxRecord {
                preference: mx.preference,
                exchange: host_name(&mx.exchange),
            }),
            _ => None,
        }))
    }
    fn a<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Ipv4Addr>, DnsError>> {
        Box::pin(self.ask(name, RecordType::A, |data| match data {
            RData::A(address) => Some(address.0),
            _ => None,
        }))
    }
    fn aaaa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Ipv6Addr>, DnsError>> {
        Box::pin(self.ask(name, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(address.0),
            _ => None,
        }))
    }
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Vec<u8>>, DnsError>> {
        Box::pin(self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(text.txt_data.concat()),
            _ => None,
        }))
    }
    fn tlsa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<TlsaRecord>, DnsError>> {
        Box::pin(self.ask(name, RecordType::TLSA, |data| match data {
            RData::TLSA(tlsa) => Some(TlsaRecord {
                usage: tlsa.cert_usage.into(),
                selector: tlsa.selector.into(),
                matching: tlsa.matching.into(),
                data: tlsa.cert_data.clone(),
            }),
            _ => None,
        }))
    }
    fn ptr(&self, address: IpAddr) -> BoxFuture<'_, Result<Answer<String>, DnsError>> {
        Box::pin(async move {
            let name = Name::from(address).to_ascii();
            self.ask(&name, RecordType::PTR, |data| match data {
                RData::PTR(name) => Some(host_name(&name.0)),
                _ => None,
            })
            .await
        })
    }
}
