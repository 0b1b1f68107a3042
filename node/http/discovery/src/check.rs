//! What name servers say of the records that a domain is to have (DOM-4 to DOM-8).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use hongyan_env::{Answer, Dns, DnsError};
use hongyan_types::Domain;

use crate::{Need, Offer, Ownership, Purpose, Record, Value, Zone, records_to_publish};

/// Name servers of a domain that are asked one by one.
const SERVERS_MAX: usize = 8;

/// Looks for records.
#[derive(Clone)]
pub struct Checker {
    /// What is offered to the world.
    pub offer: Arc<Offer>,
    /// The resolver.
    pub dns: Arc<dyn Dns>,
}

/// What DNS says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// It is as it is to be.
    Right,
    /// It is right, and others beside it are to be removed.
    OthersToo,
    /// Not all of the domain's name servers have it.
    AtSomeServers,
    /// There is none.
    Missing,
    /// There is another.
    Different,
    /// There are several where one may be.
    Several,
    /// The name is another's alias (CNAME), beside which no other record counts.
    BehindAlias,
    /// The name servers do not answer, or their signatures do not hold.
    NoAnswer,
}

impl RecordState {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::OthersToo => "others-too",
            Self::AtSomeServers => "at-some-servers",
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Several => "several",
            Self::BehindAlias => "behind-alias",
            Self::NoAnswer => "no-answer",
        }
    }
    /// Whether it does what it is for.
    #[must_use]
    pub fn is_there(self) -> bool {
        matches!(self, Self::Right | Self::OthersToo | Self::AtSomeServers)
    }
}

/// What is found under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What that means.
    pub state: RecordState,
    /// As it is there.
    pub found: Vec<String>,
}

impl Found {
    fn judged(found: Vec<String>, judge: impl FnOnce(&[String]) -> RecordState) -> Self {
        let state = match found.as_slice() {
            [] => RecordState::Missing,
            some => judge(some),
        };
        Self { state, found }
    }
    fn failed(error: &DnsError) -> Self {
        Self {
            state: RecordState::NoAnswer,
            found: vec![error.to_string()],
        }
    }
}

/// All records of a domain, each with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// In the order of their need.
    pub records: Vec<(Record, Found)>,
}

impl Looked {
    /// Whether all that mail needs to come is found; `None` when name servers did not tell.
    #[must_use]
    pub fn receives(&self) -> Option<bool> {
        let mut required = self
            .records
            .iter()
            .filter(|(record, _)| record.need == Need::Required && record.purpose == Purpose::Receiving);
        let states: Vec<RecordState> = required.by_ref().map(|(_, found)| found.state).collect();
        if states.contains(&RecordState::NoAnswer) {
            return None;
        }
        Some(states.iter().all(|state| state.is_there()))
    }
    /// What is needed or advised and not as it is to be, a line each.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let wrong = self.records.iter().filter(|(record, found)| {
            let counts = record.need != Need::Optional && record.purpose != Purpose::Ownership;
            counts && found.state != RecordState::Right
        });
        wrong
            .map(|(record, found)| format!("{} {}: {}", record.name, record.value.kind(), found.state.label()))
            .collect()
    }
}

/// What is there; a name that is not is empty.
fn records<T>(answer: Result<Answer<T>, DnsError>) -> Result<Vec<T>, DnsError> {
    match answer {
        Ok(answer) => Ok(answer.records),
        Err(DnsError::NoSuchName) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl Checker {
    /// Looks for all records of `domain`.
    pub async fn look(&self, domain: &Domain, zone: &Zone) -> Looked {
        let records = records_to_publish(domain, zone, &self.offer);
        let looked = join_all(records.iter().map(|record| self.look_for(domain, record))).await;
        Looked {
            records: records.into_iter().zip(looked).collect(),
        }
    }

    /// Whether name servers prove whose `domain` is: by either record.
    pub async fn proves(&self, domain: &Domain, ownership: &Ownership) -> Result<bool, DnsError> {
        let zone = Zone {
            ownership: Some(ownership.clone()),
            ..Zone::default()
        };
        let mut records = records_to_publish(domain, &zone, &self.offer);
        records.retain(|record| record.purpose == Purpose::Ownership);
        let mut failed = None;
        for record in &records {
            match self.at(&*self.dns, record).await {
                Ok(found) if found.state.is_there() => return Ok(true),
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    async fn look_for(&self, domain: &Domain, record: &Record) -> Found {
        let found = match self.at(&*self.dns, record).await {
            Ok(found) => found,
            Err(error) => return Found::failed(&error),
        };
        // No other record stands beside a CNAME.
        if record.name == domain.as_str()
            && let Ok(aliases) = records(self.dns.cname(&record.name).await)
            && let Some(alias) = aliases.first()
        {
            return Found {
                state: RecordState::BehindAlias,
                found: vec![format!("CNAME {alias}")],
            };
        }
        if record.need == Need::Required && found.state == RecordState::Right && !self.is_at_all(domain, record).await {
            return Found {
                state: RecordState::AtSomeServers,
                ..found
            };
        }
        found
    }

    /// Whether each name server of the domain that answers has the record.
    async fn is_at_all(&self, domain: &Domain, record: &Record) -> bool {
        let Ok(servers) = records(self.dns.ns(domain.as_str()).await) else {
            return true;
        };
        let ask = async |server: &String| {
            let Ok(addresses) = addresses(&*self.dns, server).await else {
                return true;
            };
            let Some(address) = addresses.first() else {
                return true;
            };
            let direct = self.dns.at(*address);
            // One that does not answer is another matter.
            self.at(&*direct, record)
                .await
                .map_or(true, |found| found.state.is_there())
        };
        let asked = join_all(servers.iter().take(SERVERS_MAX).map(ask)).await;
        asked.into_iter().all(|has| has)
    }

    async fn at(&self, dns: &dyn Dns, record: &Record) -> Result<Found, DnsError> {
        match &record.value {
            Value::Mx { host, .. } => self.exchanger(dns, &record.name, host.as_str()).await,
            Value::Txt(text) => text_of(dns, &record.name, text).await,
            Value::Cname(host) => alias(dns, record, host.as_str()).await,
            Value::Srv { port, host } => service(dns, &record.name, *port, host.as_ref()).await,
        }
    }

    /// DOM-5: other exchangers should be removed.
    async fn exchanger(&self, dns: &dyn Dns, name: &str, host: &str) -> Result<Found, DnsError> {
        let found = records(dns.mx(name).await)?;
        let ours = |exchange: &str| self.offer.mail_hosts.iter().any(|host| host.as_str() == exchange);
        let others = found.iter().any(|record| !ours(&record.exchange));
        let there = found.iter().any(|record| record.exchange == host);
        let shown = found
            .iter()
            .map(|record| format!("{} {}", record.preference, record.exchange));
        Ok(Found::judged(shown.collect(), |_| match (there, others) {
            (true, false) => RecordState::Right,
            (true, true) => RecordState::OthersToo,
            (false, _) => RecordState::Different,
        }))
    }
}

/// Texts of the same kind: what they begin with says which that is.
async fn text_of(dns: &dyn Dns, name: &str, expect: &str) -> Result<Found, DnsError> {
    let begin = |text: &str| text.to_lowercase().split([';', ' ', '=']).next().map(str::to_owned);
    let kind = begin(expect);
    let version = |text: &str| text.to_lowercase().split([';', ' ']).next().map(str::to_owned);
    let texts = records(dns.txt(name).await)?.into_iter();
    let texts = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
    let is_version = kind.as_deref() == Some("v");
    let same = texts.filter(|text| match is_version {
        true => version(text) == version(expect),
        false => begin(text) == kind,
    });
    Ok(Found::judged(same.collect(), |found| match found {
        // One of several tokens is enough: others may belong to other organisations.
        found if !is_version && found.iter().any(|text| text == expect) => RecordState::Right,
        [one] if is_version && is_as_good(expect, one) => RecordState::Right,
        [_] => RecordState::Different,
        _ if is_version => RecordState::Several,
        _ => RecordState::Different,
    }))
}

/// Whether a text does what the one expected does: what is done with mail that fails is the owner's choice.
fn is_as_good(expect: &str, found: &str) -> bool {
    let kind = expect.to_lowercase();
    match kind.split([';', ' ']).next() {
        Some("v=spf1") => {
            let terms: Vec<&str> = found.split_whitespace().collect();
            let mut needed = expect.split_whitespace().filter(|term| !term.ends_with("all"));
            needed.all(|term| terms.contains(&term))
        }
        Some("v=dmarc1" | "v=tlsrptv1") => true,
        _ => found == expect,
    }
}

/// Whether a name leads where another does; by which records is its owner's business, but for a proof of ownership.
async fn alias(dns: &dyn Dns, record: &Record, host: &str) -> Result<Found, DnsError> {
    let aliases = records(dns.cname(&record.name).await)?;
    if record.purpose == Purpose::Ownership || aliases.iter().any(|alias| alias == host) {
        return Ok(Found::judged(aliases, |found| match found {
            [one] if one == host => RecordState::Right,
            _ => RecordState::Different,
        }));
    }
    let found = addresses(dns, &record.name).await?;
    let there = addresses(dns, host).await?;
    let shown = found.iter().map(ToString::to_string).chain(aliases).collect();
    Ok(Found::judged(shown, |_| {
        match found.iter().any(|one| there.contains(one)) {
            true => RecordState::Right,
            false => RecordState::Different,
        }
    }))
}

async fn service(dns: &dyn Dns, name: &str, port: u16, host: Option<&Domain>) -> Result<Found, DnsError> {
    let found = records(dns.srv(name).await)?;
    let target = host.map_or(".", Domain::as_str);
    let there = |record: &hongyan_env::SrvRecord| record.target == target && (host.is_none() || record.port == port);
    let right = found.iter().filter(|record| there(record)).count();
    let shown = found.iter().map(|record| {
        format!(
            "{} {} {} {}",
            record.priority, record.weight, record.port, record.target
        )
    });
    let all = found.len();
    Ok(Found::judged(shown.collect(), |_| match right {
        0 => RecordState::Different,
        some if some == all => RecordState::Right,
        _ => RecordState::OthersToo,
    }))
}

async fn addresses(dns: &dyn Dns, name: &str) -> Result<Vec<IpAddr>, DnsError> {
    let four = records(dns.a(name).await)?.into_iter().map(IpAddr::V4);
    let six = records(dns.aaaa(name).await)?.into_iter().map(IpAddr::V6);
    let all: BTreeSet<IpAddr> = four.chain(six).collect();
    Ok(all.into_iter().collect())
}

#[cfg(test)]
#[path = "check_test.rs"]
pub(crate) mod tests;
