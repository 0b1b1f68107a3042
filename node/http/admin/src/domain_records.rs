//! /api/domains/{domain}/records: the DNS records that a domain is to have, and what DNS says now (DOM-5 to DOM-8).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use futures_util::future::join_all;
use hongyan_access::permission::Action;
use hongyan_env::{Answer, Dns, DnsError};
use hongyan_http_discovery::{Need, Offer, Purpose, RECORD_SECS, Record, Value, Zone, records_to_publish};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::domain::named;
use crate::problem::{Failure, Problem, Result};

/// What domains are told to publish, and where that is looked for.
#[derive(Clone)]
pub struct Publishing {
    /// What is offered to the world.
    pub offer: Arc<Offer>,
    /// The resolver.
    pub dns: Arc<dyn Dns>,
}

/// The records of a domain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainRecords {
    domain: String,
    /// All that mail needs to come is found.
    receives: bool,
    records: Vec<DomainRecordView>,
}

/// A record that a domain is to have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DomainRecordView {
    name: String,
    /// `MX`, `TXT`, `CNAME` or `SRV`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Time that it may be remembered, in seconds.
    ttl: u32,
    value: String,
    /// `ownership`, `receiving`, `sending`, `security`, `discovery` or `names`.
    purpose: &'static str,
    /// `required`, `advised` or `optional`.
    need: &'static str,
    state: RecordState,
    /// What is there.
    found: Vec<String>,
}

/// What DNS says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RecordState {
    /// It is as it is to be.
    Right,
    /// It is right, and others beside it are to be removed.
    OthersToo,
    /// There is none.
    Missing,
    /// There is another.
    Different,
    /// There are several where one may be.
    Several,
    /// The name servers do not answer, or their signatures do not hold.
    NoAnswer,
    /// It is not looked for.
    NotLookedFor,
}

/// What is found under a name.
struct Found {
    state: RecordState,
    found: Vec<String>,
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

/// What is there; a name that is not is empty.
fn records<T>(answer: Result<Answer<T>, DnsError>) -> Result<Vec<T>, DnsError> {
    match answer {
        Ok(answer) => Ok(answer.records),
        Err(DnsError::NoSuchName) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl Publishing {
    async fn look(&self, record: &Record) -> Found {
        let looked = match &record.value {
            Value::Mx { host, .. } => self.exchanger(&record.name, host.as_str()).await,
            Value::Txt(text) => self.text(&record.name, text).await,
            Value::Cname(host) => self.alias(&record.name, host.as_str()).await,
            Value::Srv { .. } => Ok(Found {
                state: RecordState::NotLookedFor,
                found: Vec::new(),
            }),
        };
        looked.unwrap_or_else(|error| Found::failed(&error))
    }

    /// DOM-5: other exchangers should be removed.
    async fn exchanger(&self, name: &str, host: &str) -> Result<Found, DnsError> {
        let found = records(self.dns.mx(name).await)?;
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

    /// Texts of the same kind: what they begin with says which that is.
    async fn text(&self, name: &str, expect: &str) -> Result<Found, DnsError> {
        let kind = expect.split([';', ' ']).next().unwrap_or(expect).to_lowercase();
        let texts = records(self.dns.txt(name).await)?.into_iter();
        let texts = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        let same = texts.filter(|text| text.to_lowercase().split([';', ' ']).next() == Some(kind.as_str()));
        Ok(Found::judged(same.collect(), |found| match found {
            [one] if is_as_good(&kind, expect, one) => RecordState::Right,
            [_] => RecordState::Different,
            _ => RecordState::Several,
        }))
    }

    /// Whether a name leads where another does; by which records is its owner's business.
    async fn alias(&self, name: &str, host: &str) -> Result<Found, DnsError> {
        let found = self.addresses(name).await?;
        let there = self.addresses(host).await?;
        let shown = found.iter().map(ToString::to_string).collect();
        Ok(Found::judged(shown, |_| match found.is_disjoint(&there) {
            true => RecordState::Different,
            false => RecordState::Right,
        }))
    }

    async fn addresses(&self, name: &str) -> Result<BTreeSet<IpAddr>, DnsError> {
        let four = records(self.dns.a(name).await)?.into_iter().map(IpAddr::V4);
        let six = records(self.dns.aaaa(name).await)?.into_iter().map(IpAddr::V6);
        Ok(four.chain(six).collect())
    }
}

/// Whether a text does what the one expected does: what is done with mail that fails is the owner's choice.
fn is_as_good(kind: &str, expect: &str, found: &str) -> bool {
    match kind {
        "v=spf1" => {
            let terms: Vec<&str> = found.split_whitespace().collect();
            let mut needed = expect.split_whitespace().filter(|term| !term.ends_with("all"));
            needed.all(|term| terms.contains(&term))
        }
        "v=dmarc1" | "v=tlsrptv1" => true,
        _ => found == expect,
    }
}

fn view(record: &Record, looked: Found) -> DomainRecordView {
    DomainRecordView {
        name: record.name.clone(),
        kind: record.value.kind(),
        ttl: RECORD_SECS,
        value: record.value.to_string(),
        purpose: match record.purpose {
            Purpose::Ownership => "ownership",
            Purpose::Receiving => "receiving",
            Purpose::Sending => "sending",
            Purpose::Security => "security",
            Purpose::Discovery => "discovery",
            Purpose::Names => "names",
        },
        need: match record.need {
            Need::Required => "required",
            Need::Advised => "advised",
            Need::Optional => "optional",
        },
        state: looked.state,
        found: looked.found,
    }
}

/// The records that a domain is to have, each with what DNS says now.
#[utoipa::path(get, path = "/api/domains/{domain}/records", params(("domain" = String, Path)), responses((status = 200, body = DomainRecords), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Json<DomainRecords>> {
    let domain = named(&caller, Action::ReadDomains, &name).await?.domain;
    let Some(publishing) = &caller.publishing else {
        return Err(Problem::not_found("nothing is offered to the world here"));
    };
    let records = records_to_publish(&domain, &Zone::default(), &publishing.offer);
    let looked = join_all(records.iter().map(|record| publishing.look(record))).await;
    let pairs = records.iter().zip(looked);
    let records: Vec<DomainRecordView> = pairs.map(|(record, looked)| view(record, looked)).collect();
    let found = |record: &DomainRecordView| matches!(record.state, RecordState::Right | RecordState::OthersToo);
    Ok(Json(DomainRecords {
        domain: domain.to_string(),
        receives: records.iter().all(|record| record.need != "required" || found(record)),
        records,
    }))
}
