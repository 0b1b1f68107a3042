//! /api/mail-log: mail that members sent and got (STAT-5); /api/me/mail: one's own (LOG-4, LOG-6, LOG-11).

mod own;
mod view;

pub(crate) use own::{__path_own, __path_report, me, own, report};

use axum::Json;
use hongyan_access::permission::{Action, Reach};
use hongyan_audit::{Chain, Event};
use hongyan_statistics::{MailFilter, MailKind, MailOf, MailPlace};
use hongyan_types::{AccountId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::{Caller, parse_address};
use crate::kept::Kept;
use crate::page;
use crate::problem::{Failure, Problem, Result};
use crate::sight::{LOOKED_AT_MAX, Sight};
pub(crate) use view::LoggedMail;
use view::{token, view};

/// Which way a mail went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = MailKind)]
pub(crate) enum Kind {
    Sent,
    Received,
}

impl Kind {
    fn of(kind: MailKind) -> Self {
        match kind {
            MailKind::Sent => Self::Sent,
            MailKind::Received => Self::Received,
        }
    }
    fn meant(self) -> MailKind {
        match self {
            Self::Sent => MailKind::Sent,
            Self::Received => MailKind::Received,
        }
    }
}

/// Part of the log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MailLog {
    items: Vec<LoggedMail>,
    /// What to ask for as `after`; nothing at the end. A page may have few items, or none, and others follow.
    next: Option<String>,
    /// What of the time asked for is missing, and why.
    note: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Not before, in milliseconds since the Unix epoch.
    from_millis: Option<i64>,
    /// Before.
    until_millis: Option<i64>,
    /// Only what was sent, or what was got.
    kind: Option<Kind>,
    /// Only what someone of this domain sent or got.
    domain: Option<String>,
    /// Only what has this in its subject, without regard to case.
    subject: Option<String>,
    /// Only what has this in the sender's or a recipient's address.
    address: Option<String>,
    /// Only the mail of the member with this address.
    account: Option<String>,
    /// Only the mail of the member with this number; of one who is gone too.
    account_id: Option<u64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

impl Query {
    fn filter(&self, kept: &Kept) -> Result<MailFilter> {
        let domain = self.domain.as_deref().map(|name| {
            hongyan_types::Domain::try_from(name).map_err(|error| Problem::invalid(format!("domain: {error}")))
        });
        Ok(MailFilter {
            from: Some(kept.from),
            until: self.until_millis.map(|millis| Timestamp { millis }),
            kind: self.kind.map(Kind::meant),
            domain: domain.transpose()?.map(|domain| domain.as_str().to_owned()),
            subject: self.subject.clone().filter(|text| !text.is_empty()),
            address: self.address.clone().filter(|text| !text.is_empty()),
        })
    }
}

pub(super) fn read_place(token: &str) -> Option<MailPlace> {
    let (millis, random) = token.split_once('-')?;
    let read = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(MailPlace {
        millis: read(millis)?,
        random: read(random)?,
    })
}

/// Whose mail is asked for.
async fn of(caller: &Caller, query: &Query, (tenant, reach): (TenantId, &Reach)) -> Result<MailOf> {
    match (&query.account, query.account_id) {
        (None, None) => Ok(MailOf::Tenant(tenant)),
        (Some(address), None) => {
            let account = caller
                .member(Action::ReadAudit, &parse_address(address)?.to_string())
                .await?;
            Ok(MailOf::Account(account.id))
        }
        (None, Some(id)) => {
            let missing = || Problem::not_found(format!("account {id} does not exist"));
            match caller.directory.account(AccountId(id)).await? {
                Some(account) if account.tenant == tenant => {
                    caller
                        .permit_member(Action::ReadAudit, &account, &account.address)
                        .await?;
                }
                None if *reach == Reach::Organisation => {}
                _ => return Err(missing()),
            }
            Ok(MailOf::Account(AccountId(id)))
        }
        (Some(_), Some(_)) => Err(Problem::invalid("account and account_id: one of both")),
    }
}

/// Mail that members sent and got, the newest first; its text is in no log. Reading it is in the audit log.
#[utoipa::path(get, path = "/api/mail-log", params(Query), responses((status = 200, body = MailLog), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<MailLog>> {
    let (tenant, reach) = caller.within(Action::ReadAudit, query.organisation.as_deref()).await?;
    let kept = Kept::since(&caller, tenant, query.from_millis).await?;
    let of = of(&caller, &query, (tenant, &reach)).await?;
    let filter = query.filter(&kept)?;
    let mut before = page::after(query.after.as_deref(), read_place)?;
    if query.after.is_none() {
        // Whoever reads the log is in it.
        let object = query.account.clone().unwrap_or_else(|| "mail log".to_owned());
        let read = Event::new("mail-log.read", object);
        caller.directory.record(Chain::Tenant(tenant), read).await?;
    }
    let limit = page::limit(query.limit);
    let mut sight = Sight::new(&caller, &reach);
    let (mut items, mut looked_at, mut next) = (Vec::new(), 0, None);
    while items.len() < limit && looked_at < LOOKED_AT_MAX {
        let page = caller.counts.mail(of, &filter, before, limit - items.len()).await?;
        looked_at += page.scanned;
        for (place, entry) in page.entries {
            if entry.tenant == tenant && sight.sees(entry.account).await? {
                items.push(view(&caller, place, entry).await?);
            }
        }
        next = page.next;
        before = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok(Json(MailLog {
        items,
        next: next.map(token),
        note: kept.note,
    }))
}
