//! A resolver that answers from a table: for tests, and for nodes that must not ask anyone.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Answer, BoxFuture, Dns, DnsError, MxRecord, Security, SrvRecord, TlsaRecord};

#[derive(Default, Clone)]
struct Node {
    mx: Vec<MxRecord>,
    a: Vec<Ipv4Addr>,
    aaaa: Vec<Ipv6Addr>,
    txt: Vec<Vec<u8>>,
    tlsa: Vec<TlsaRecord>,
    ptr: Vec<String>,
    cname: Vec<String>,
    srv: Vec<SrvRecord>,
    ns: Vec<String>,
    failure: Option<DnsError>,
}

/// Names with their records; every other name does not exist. Clones share the table.
#[derive(Clone)]
pub struct ZoneDns {
    nodes: Arc<Mutex<BTreeMap<String, Node>>>,
    servers: Arc<Mutex<BTreeMap<IpAddr, ZoneDns>>>,
    security: Security,
}

impl Default for ZoneDns {
    fn default() -> Self {
        Self::new(Security::Insecure)
    }
}

impl ZoneDns {
    /// An empty table whose answers carry `security`.
    #[must_use]
    pub fn new(security: Security) -> Self {
        Self {
            nodes: Arc::default(),
            servers: Arc::default(),
            security,
        }
    }
    /// Adds a mail exchanger.
    pub fn add_mx(&self, name: &str, preference: u16, exchange: &str) {
        let exchange = if exchange == "." {
            exchange.to_owned()
        } else {
            canonical(exchange)
        };
        self.change(name, |node| node.mx.push(MxRecord { preference, exchange }));
    }
    /// Adds an address.
    pub fn add_address(&self, name: &str, address: IpAddr) {
        self.change(name, |node| match address {
            IpAddr::V4(address) => node.a.push(address),
            IpAddr::V6(address) => node.aaaa.push(address),
        });
    }
    /// Adds a text.
    pub fn add_txt(&self, name: &str, text: &str) {
        self.change(name, |node| node.txt.push(text.as_bytes().to_vec()));
    }
    /// Adds a certificate association.
    pub fn add_tlsa(&self, name: &str, record: TlsaRecord) {
        self.change(name, |node| node.tlsa.push(record));
    }
    /// Adds the name of an address.
    pub fn add_ptr(&self, address: IpAddr, name: &str) {
        self.change(&address.to_string(), |node| node.ptr.push(canonical(name)));
    }
    /// Makes `name` another name of `target`; what is asked of it is not followed.
    pub fn add_cname(&self, name: &str, target: &str) {
        self.change(name, |node| node.cname.push(canonical(target)));
    }
    /// Adds the location of a service.
    pub fn add_srv(&self, name: &str, record: SrvRecord) {
        self.change(name, |node| node.srv.push(record));
    }
    /// Adds a name server.
    pub fn add_ns(&self, name: &str, server: &str) {
        self.change(name, |node| node.ns.push(canonical(server)));
    }
    /// What the name server at `address` answers; others answer as this table does.
    pub fn set_server(&self, address: IpAddr, answers: Self) {
        self.servers.lock().insert(address, answers);
    }
    /// Removes everything that is known of `name`.
    pub fn remove(&self, name: &str) {
        self.nodes.lock().remove(&canonical(name));
    }
    /// Makes every question about `name` fail, until set to `None`.
    pub fn set_failure(&self, name: &str, failure: Option<DnsError>) {
        self.change(name, |node| node.failure = failure);
    }
    fn change(&self, name: &str, change: impl FnOnce(&mut Node)) {
        change(self.nodes.lock().entry(canonical(name)).or_default());
    }
    fn answer<T: Send + 'static>(
        &self,
        name: &str,
        take: impl FnOnce(Node) -> Vec<T>,
    ) -> BoxFuture<'static, Result<Answer<T>, DnsError>> {
        let node = self.nodes.lock().get(&canonical(name)).cloned();
        let answer = match node {
            None => Err(DnsError::NoSuchName),
            Some(Node {
                failure: Some(failure), ..
            }) => Err(failure),
            Some(node) => Ok(Answer {
                records: take(node),
                security: self.security,
            }),
        };
        Box::pin(std::future::ready(answer))
    }
}

fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl Dns for ZoneDns {
    fn mx<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<MxRecord>, DnsError>> {
        self.answer(name, |node| node.mx)
    }
    fn a<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Ipv4Addr>, DnsError>> {
        self.answer(name, |node| node.a)
    }
    fn aaaa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Ipv6Addr>, DnsError>> {
        self.answer(name, |node| node.aaaa)
    }
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<Vec<u8>>, DnsError>> {
        self.answer(name, |node| node.txt)
    }
    fn tlsa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<TlsaRecord>, DnsError>> {
        self.answer(name, |node| node.tlsa)
    }
    fn cname<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<String>, DnsError>> {
        self.answer(name, |node| node.cname)
    }
    fn srv<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<SrvRecord>, DnsError>> {
        self.answer(name, |node| node.srv)
    }
    fn ns<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Answer<String>, DnsError>> {
        self.answer(name, |node| node.ns)
    }
    fn at(&self, address: IpAddr) -> Arc<dyn Dns> {
        let answers = self.servers.lock().get(&address).cloned();
        Arc::new(answers.unwrap_or_else(|| self.clone()))
    }
    fn ptr(&self, address: IpAddr) -> BoxFuture<'_, Result<Answer<String>, DnsError>> {
        self.answer(&address.to_string(), |node| node.ptr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_zone_answers_what_it_was_given() {
        let zone = ZoneDns::new(Security::Secure);
        zone.add_mx("Example.com.", 10, "MX1.example.com.");
        zone.add_mx("quiet.example", 0, ".");
        zone.set_failure("broken.example", Some(DnsError::Temporary("down".into())));
        let answer = zone.mx("example.COM").await.unwrap();
        assert_eq!(answer.records[0].exchange, "mx1.example.com");
        assert_eq!(answer.security, Security::Secure);
        assert!(zone.a("example.com").await.unwrap().records.is_empty());
        assert_eq!(zone.mx("quiet.example").await.unwrap().records[0].exchange, ".");
        assert_eq!(zone.mx("none.example").await, Err(DnsError::NoSuchName));
        assert!(zone.mx("broken.example").await.unwrap_err().is_temporary());
    }
}
