//! /api/logins, /api/members/{address}/logins: who signed in, from where and with what result.

use axum::Json;
use axum::extract::Path;
use hongyan_access::permission::{Action, Reach};
use hongyan_access::{LoginEntry, LoginFilter, LoginPage, LoginPlace, LoginsOf, Place, Protocol};
use hongyan_audit::{Chain, Event};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::kept::Kept;
use crate::page;
use crate::problem::{Failure, Result};
use crate::sight::{LOOKED_AT_MAX, Sight};

/// One sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Login {
    at_millis: i64,
    /// The account's address; empty when it is gone.
    account: String,
    /// What was typed: it may be an alias.
    login: String,
    protocol: Protocol,
    /// `password`, `app-password`, `second-factor` or `token`.
    way: &'static str,
    peer: String,
    /// City and country, `internal` for private addresses, or `unknown`.
    place: String,
    /// The same in Chinese; null for the two words.
    place_zh_cn: Option<String>,
    /// The country, in ISO 3166-1 letters; null where it is not known.
    country: Option<String>,
    /// What the client calls itself, where it says so before it signs in.
    client: String,
    /// `ok`, or why not.
    result: String,
    /// Whether its owner was told that it is unusual: from a new country, or a new network with a new client.
    unusual: bool,
}

/// Part of a log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Logins {
    items: Vec<Login>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
    /// What of the time asked for is missing, and why.
    note: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
    /// Not before, in milliseconds since the Unix epoch.
    from_millis: Option<i64>,
    /// Before.
    until_millis: Option<i64>,
    /// Only those that failed.
    #[serde(default)]
    failed: bool,
    /// Only those that are unusual.
    #[serde(default)]
    unusual: bool,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

impl Query {
    fn filter(&self, kept: &Kept) -> LoginFilter {
        LoginFilter {
            from: Some(kept.from),
            until: self.until_millis.map(|millis| Timestamp { millis }),
            failed: self.failed,
            unusual: self.unusual,
        }
    }
}

fn read_place(token: &str) -> Option<LoginPlace> {
    let (millis, random) = token.split_once('-')?;
    let read = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(LoginPlace {
        millis: read(millis)?,
        random: read(random)?,
    })
}

pub(crate) async fn view(caller: &Caller, entry: LoginEntry) -> Result<Login> {
    let account = caller.directory.account(entry.account).await?;
    let (place, place_zh_cn, country) = match caller.access.place(entry.peer) {
        Place::Internal => ("internal".to_owned(), None, None),
        Place::Unknown => ("unknown".to_owned(), None, None),
        Place::Known {
            country,
            english,
            chinese,
        } => (
            english,
            Some(chinese),
            Some(country).filter(|country| !country.is_empty()),
        ),
    };
    Ok(Login {
        at_millis: entry.at.millis,
        account: account.map_or_else(String::new, |account| account.address.to_string()),
        login: entry.name,
        protocol: entry.protocol,
        way: entry.way.label(),
        peer: entry.peer.to_string(),
        place,
        place_zh_cn,
        country,
        client: entry.client,
        result: entry.result,
        unusual: entry.unusual,
    })
}

async fn answer(caller: &Caller, page: LoginPage, kept: Kept) -> Result<Json<Logins>> {
    let mut items = Vec::with_capacity(page.entries.len());
    for entry in page.entries {
        items.push(view(caller, entry).await?);
    }
    let token = |place: LoginPlace| format!("{:x}-{:x}", place.millis, place.random);
    Ok(Json(Logins {
        items,
        next: page.next.map(token),
        note: kept.note,
    }))
}

/// Sign-ins of all members that the caller may see, the newest first.
#[utoipa::path(get, path = "/api/logins", params(Query), responses((status = 200, body = Logins), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Logins>> {
    let (tenant, reach) = caller.within(Action::ReadAudit, query.organisation.as_deref()).await?;
    if query.after.is_none() {
        // Whoever reads the log is in it.
        let read = Event::new("logins.read", "login log");
        caller.directory.record(Chain::Tenant(tenant), read).await?;
    }
    let kept = Kept::since(&caller, tenant, query.from_millis).await?;
    let after = page::after(query.after.as_deref(), read_place)?;
    let limit = page::limit(query.limit);
    let (filter, of) = (query.filter(&kept), LoginsOf::Tenant(tenant));
    if reach == Reach::Organisation {
        let page = caller.access.logins(of, &filter, after, limit).await?;
        return answer(&caller, page, kept).await;
    }
    let mut sight = Sight::new(&caller, &reach);
    let (mut entries, mut looked_at, mut next) = (Vec::new(), 0, after);
    loop {
        let page = caller.access.logins(of, &filter, next, limit - entries.len()).await?;
        // A filter that finds nothing has looked at a page's worth.
        looked_at += match page.entries.len() {
            0 => LOOKED_AT_MAX,
            found => found,
        };
        next = page.next;
        for entry in page.entries {
            if sight.sees(entry.account).await? {
                entries.push(entry);
            }
        }
        if next.is_none() || entries.len() >= limit || looked_at >= LOOKED_AT_MAX {
            return answer(&caller, LoginPage { entries, next }, kept).await;
        }
    }
}

/// Sign-ins of one member, the newest first. `me` is the caller.
#[utoipa::path(get, path = "/api/members/{address}/logins", params(("address" = String, Path), Query), responses((status = 200, body = Logins), Failure))]
pub(crate) async fn of_member(
    caller: Caller,
    Path(address): Path<String>,
    Asked(query): Asked<Query>,
) -> Result<Json<Logins>> {
    let account = caller.member_or_me(Action::ReadFactors, &address).await?;
    let kept = Kept::since(&caller, account.tenant, query.from_millis).await?;
    let after = page::after(query.after.as_deref(), read_place)?;
    let limit = page::limit(query.limit);
    let page = caller
        .access
        .logins(LoginsOf::Account(account.id), &query.filter(&kept), after, limit)
        .await?;
    answer(&caller, page, kept).await
}
