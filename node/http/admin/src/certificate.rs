//! /api/certificates: those that were ordered from the authority, for the operator's names and for those of domains (LGN-7).

use std::collections::BTreeSet;

use axum::Json;
use hongyan_access::permission::Action;
use serde::Serialize;
use utoipa::ToSchema;

use crate::body::Asked;
use crate::caller::Caller;
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
