//! /api/certificates: for the operator's names and for those of domains, ordered from the authority or brought by the
//! organisation (LGN-7).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::Action;
use hongyan_acme::{Acme, OwnError};
use hongyan_audit::{Chain, Event};
use hongyan_listener::CertificatePem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::domain::named;
use crate::page::Page;
use crate::problem::{Failure, Problem, Result};
use crate::tag::Whose;

/// Domains looked at of an organisation.
const DOMAINS_MAX: usize = 10_000;
/// From so many days before its end on a certificate is warned of, more and more.
const WARNED_DAYS: [i64; 3] = [30, 14, 3];
const DAY_MILLIS: i64 = 86_400_000;

/// A certificate, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Certificate {
    /// The domain; empty for the operator's own names.
    domain: String,
    /// Names in it; none when there is none yet.
    names: Vec<String>,
    not_after_millis: Option<i64>,
    /// `good`; `30-days`, `14-days`, `3-days`: it ends within so many; `ended`; `missing`.
    state: String,
    /// How often it could not be ordered, or renewed, since.
    failures: u32,
    /// Why not, last.
    error: Option<String>,
    /// When it is tried again.
    next_millis: Option<i64>,
    /// Whether the organisation has brought it itself.
    own: bool,
}

/// Chain and key as PEM; never printed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCertificate {
    /// The certificate and those that lead to its authority, the own one first.
    certificate: String,
    /// Its private key, without a password.
    key: String,
}

fn failed(error: OwnError) -> Problem {
    match error {
        OwnError::Fault(fault) => Problem::invalid(fault.to_string()),
        OwnError::Acme(error) => Problem::unavailable(error.to_string()),
    }
}

fn keeper(caller: &Caller) -> Result<Acme> {
    let keeper = caller.certificates.clone();
    keeper.ok_or_else(|| Problem::unavailable("this node keeps no certificates".to_owned()))
}

/// Takes an organisation's own certificate for a domain and the names in it; all nodes show it at once. What is wrong with
/// one is said, and then the one before stays. Its key is sealed at rest and never shown again.
#[utoipa::path(put, path = "/api/domains/{domain}/certificate", params(("domain" = String, Path)), request_body = NewCertificate, responses((status = 204), Failure))]
pub(crate) async fn bring(
    caller: Caller,
    Path(name): Path<String>,
    Body(new): Body<NewCertificate>,
) -> Result<StatusCode> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    let keeper = keeper(&caller)?;
    let pem = CertificatePem {
        certificate: new.certificate,
        key: new.key,
    };
    keeper.check_own(&record.domain, &pem).map_err(failed)?;
    let event = Event::new("domain.certificate", &record.domain);
    caller.directory.record(Chain::Tenant(record.tenant), event).await?;
    keeper
        .set_own(record.tenant, &record.domain, &pem)
        .await
        .map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an own certificate away; one is ordered in its place where there is an authority.
#[utoipa::path(delete, path = "/api/domains/{domain}/certificate", params(("domain" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(name): Path<String>) -> Result<StatusCode> {
    let record = named(&caller, Action::ChangeDomains, &name).await?;
    let keeper = keeper(&caller)?;
    let event = Event::new("domain.certificate-remove", &record.domain);
    caller.directory.record(Chain::Tenant(record.tenant), event).await?;
    match keeper.remove_own(&record.domain).await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Problem::not_found("the domain has no certificate of its own")),
        Err(error) => Err(Problem::unavailable(error.to_string())),
    }
}

fn state(not_after_millis: Option<i64>, now_millis: i64) -> String {
    let Some(end) = not_after_millis else {
        return "missing".to_owned();
    };
    let left = end.saturating_sub(now_millis);
    if left <= 0 {
        return "ended".to_owned();
    }
    let within = WARNED_DAYS.iter().rev().find(|days| left <= **days * DAY_MILLIS);
    within.map_or_else(|| "good".to_owned(), |days| format!("{days}-days"))
}

/// How certificates stand: all for operators, those of their domains for administrators.
#[utoipa::path(get, path = "/api/certificates", params(Whose), responses((status = 200, body = Page<Certificate>), Failure))]
pub(crate) async fn list(caller: Caller, Asked(whose): Asked<Whose>) -> Result<Json<Page<Certificate>>> {
    let name = whose.organisation.as_deref();
    let domains: Option<BTreeSet<String>> = if caller.actor.tenant().is_none() && name.is_none() {
        caller.permit_operator(Action::ManageCluster)?;
        None
    } else {
        let (tenant, _) = caller.within(Action::ReadDomains, name).await?;
        let domains = caller.directory.domains(tenant, None, DOMAINS_MAX).await?;
        Some(domains.iter().map(|domain| domain.domain.to_string()).collect())
    };
    let Some(acme) = &caller.certificates else {
        return Ok(Json(Page::with_next(Vec::new(), None)));
    };
    let found = acme
        .status()
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    let now = caller.access.now().millis;
    let seen = found
        .into_iter()
        .filter(|status| domains.as_ref().is_none_or(|domains| domains.contains(&status.subject)));
    let items = seen.map(|status| Certificate {
        state: state(status.not_after_millis, now),
        domain: status.subject,
        names: status.names,
        not_after_millis: status.not_after_millis,
        failures: status.failures,
        error: status.error,
        next_millis: status.next_millis,
        own: status.is_own,
    });
    Ok(Json(Page::with_next(items.collect(), None)))
}

#[cfg(test)]
mod tests {
    use super::state;

    #[test]
    fn lgn_7_the_end_is_warned_of_more_and_more() {
        let check = |days: i64, expect: &str| assert_eq!(state(Some(days * 86_400_000), 0), expect);
        check(31, "good");
        check(30, "30-days");
        check(14, "14-days");
        check(3, "3-days");
        check(0, "ended");
        assert_eq!(state(None, 0), "missing");
    }
}
