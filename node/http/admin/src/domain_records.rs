//! /api/domains/{domain}/records: the DNS records that a domain is to have, and what DNS says now (DOM-5 to DOM-8).

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::Action;
use hongyan_http_discovery::{Found, Need, Purpose, RECORD_SECS, Record, Zone, ownership_of, zone_of};
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Asked;
use crate::caller::Caller;
use crate::domain::{Held, WhoseQuery, held};
use crate::problem::{Failure, Problem, Result};

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
    /// `right`, `others-too`, `at-some-servers`, `missing`, `different`, `several`, `behind-alias` or `no-answer`.
    state: &'static str,
    /// What is there.
    found: Vec<String>,
}

fn view((record, looked): (Record, Found)) -> DomainRecordView {
    DomainRecordView {
        name: record.name,
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
        state: looked.state.label(),
        found: looked.found,
    }
}

/// The records that a domain is to have, each with what DNS says now.
#[utoipa::path(get, path = "/api/domains/{domain}/records", params(("domain" = String, Path), WhoseQuery), responses((status = 200, body = DomainRecords), Failure))]
pub(crate) async fn show(
    caller: Caller,
    Path(name): Path<String>,
    Asked(whose): Asked<WhoseQuery>,
) -> Result<Json<DomainRecords>> {
    let held = held(&caller, Action::ReadDomains, &name, &whose).await?;
    let Some(checker) = &caller.publishing else {
        return Err(Problem::not_found("nothing is offered to the world here"));
    };
    let (domain, zone) = match held {
        Held::Domain(record) => {
            let check = caller.directory.domain_check(&record.domain).await?;
            (record.domain, zone_of(check.as_ref()))
        }
        Held::Claim(claim) => {
            let ownership = Some(ownership_of(&claim));
            let zone = Zone {
                ownership,
                ..Zone::default()
            };
            (claim.domain, zone)
        }
    };
    let looked = checker.look(&domain, &zone).await;
    Ok(Json(DomainRecords {
        domain: domain.to_string(),
        receives: looked.receives() == Some(true),
        records: looked.records.into_iter().map(view).collect(),
    }))
}
