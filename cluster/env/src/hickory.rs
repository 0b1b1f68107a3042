//! The real resolver: hickory, validating DNSSEC, with the name servers of the system's configuration.
//!
//! It is made on first use, so that a node without outbound mail, or without a readable configuration, starts anyway.
//! Name servers that leave out what DNSSEC needs are common (routers, stubs of the operating system): behind those, what
//! they find is used as unproven, but that they find nothing is not believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as HickoryDnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use crate::{Answer, BoxFuture, Dns, DnsError, MxRecord, Security, SrvRecord, TlsaRecord};

/// How many answers are kept until their time to live ends.
const CACHE_ENTRIES: u64 = 4096;

/// The port of name servers.
const PORT: u16 = 53;

/// Asks the name servers of `/etc/resolv.conf`.
#[derive(Default)]
pub struct ResolverDns {
    server: Option<SocketAddr>,
    /// What the server says is taken as it is: it speaks for the zone itself.
    as_said: bool,
    resolvers: OnceLock<Result<Resolvers, String>>,
}

struct Resolvers {
    validating: TokioResolver,
    plain: TokioResolver,
}

impl ResolverDns {
    /// The resolver of the system's configuration, read at the first question.
    #[must_use]
    pub fn from_system() -> Self {
        Self::default()
    }
    /// A resolver that asks the name server at `server`, by UDP.
    #[must_use]
    pub fn from_server(server: SocketAddr) -> Self {
        Self {
            server: Some(server),
            ..Self::default()
        }
    }
    fn resolvers(&self) -> Result<&Resolvers, DnsError> {
        let made = self.resolvers.get_or_init(|| {
            Ok(Resolvers {
                validating: self.make(true)?,
                plain: self.make(false)?,
            })
        });
        made.as_ref().map_err(|reason| DnsError::Temporary(reason.clone()))
    }
    fn make(&self, validate: bool) -> Result<TokioResolver, String> {
        let (config, mut options) = match self.server {
            None => hickory_resolver::system_conf::read_system_conf().map_err(|error| error.to_string())?,
            Some(server) => {
                let mut connection = ConnectionConfig::udp();
                connection.port = server.port();
                let server = NameServerConfig::new(server.ip(), true, vec![connection]);
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                (config, ResolverOpts::default())
            }
        };
        options.validate = validate;
        options.edns0 = true;
        options.cache_size = CACHE_ENTRIES;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        builder.build().map_err(|error| error.to_string())
    }
    /// Whether the name servers hand out what DNSSEC needs: the keys of the root, signed.
    async fn is_validation_possible(resolvers: &Resolvers) -> bool {
        let keys = resolvers.validating.lookup(Name::root(), RecordType::DNSKEY).await;
        keys.is_ok_and(|keys| keys.answers().iter().all(|record| record.proof == Proof::Secure))
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
        let resolvers = self.resolvers()?;
        if self.as_said {
            return match resolvers.plain.lookup(name, kind).await {
                Ok(lookup) => collect(&lookup, kind, &read),
                Err(error) => failure(&error),
            };
        }
        let answer = match resolvers.validating.lookup(name.clone(), kind).await {
            Ok(lookup) => collect(&lookup, kind, &read),
            Err(error) => failure(&error),
        };
        if answer.as_ref().err() != Some(&DnsError::Bogus) || Self::is_validation_possible(resolvers).await {
            return answer;
        }
        match resolvers.plain.lookup(name, kind).await {
            Ok(lookup) => {
                let records: Vec<T> = lookup
                    .answers()
                    .iter()
                    .filter_map(|record| read(&record.data))
                    .collect();
                if records.is_empty() {
                    return Err(DnsError::Bogus);
                }
                Ok(Answer {
                    records,
                    security: Security::Insecure,
                })
            }
            Err(_) => Err(DnsError::Bogus),
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
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<String>, DnsError>> {
        Box::pin(self.ask(name, RecordType::CNAME, |data| match data {
            RData::CNAME(name) => Some(host_name(&name.0)),
            _ => None,
        }))
    }
    fn srv<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<SrvRecord>, DnsError>> {
        Box::pin(self.ask(name, RecordType::SRV, |data| match data {
            RData::SRV(srv) => Some(SrvRecord {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: host_name(&srv.target),
            }),
            _ => None,
        }))
    }
    fn ns<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<String>, DnsError>> {
        Box::pin(self.ask(name, RecordType::NS, |data| match data {
            RData::NS(name) => Some(host_name(&name.0)),
            _ => None,
        }))
    }
    fn at(&self, address: IpAddr) -> Arc<dyn Dns> {
        Arc::new(Self {
            server: Some(SocketAddr::new(address, PORT)),
            as_said: true,
            resolvers: OnceLock::new(),
        })
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

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::op::{Message, MessageType, OpCode};
    use hickory_resolver::proto::rr::Record;
    use hickory_resolver::proto::rr::rdata::{A, MX};
    use tokio::net::UdpSocket;

    use super::*;

    /// A name server without any DNSSEC that knows the exchanger of `a.test`, and no other name.
    async fn bare_server() -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((octets, peer)) = socket.recv_from(&mut buffer).await {
                let request = Message::from_vec(&buffer[..octets]).unwrap();
                let query = request.queries[0].clone();
                let mut reply = Message::new(request.metadata.id, MessageType::Response, OpCode::Query);
                let name = query.name().clone();
                let known = name.to_ascii().to_ascii_lowercase();
                match (known.as_str(), query.query_type()) {
                    ("a.test.", RecordType::MX) => {
                        let mx = MX::new(10, Name::from_ascii("mx.a.test.").unwrap());
                        reply.answers.push(Record::from_rdata(name, 60, RData::MX(mx)));
                    }
                    ("mx.a.test.", RecordType::A) => {
                        let a = A::new(192, 0, 2, 1);
                        reply.answers.push(Record::from_rdata(name, 60, RData::A(a)));
                    }
                    ("a.test." | "mx.a.test." | "test." | ".", _) => {}
                    _ => reply.metadata.response_code = ResponseCode::NXDomain,
                }
                reply.queries.push(query);
                socket.send_to(&reply.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn behind_a_server_without_dnssec_what_is_found_is_used_and_what_is_not_is_not_believed() {
        let dns = ResolverDns::from_server(bare_server().await);
        let answer = dns.mx("a.test").await.unwrap();
        assert_eq!(
            (&*answer.records[0].exchange, answer.security),
            ("mx.a.test", Security::Insecure)
        );
        assert_eq!(dns.a("mx.a.test").await.unwrap().records, [Ipv4Addr::new(192, 0, 2, 1)]);
        assert!(dns.mx("missing.test").await.unwrap_err().is_temporary());
    }
}
