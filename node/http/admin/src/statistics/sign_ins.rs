//! Who has signed in lately, and who has not (STAT-6).

use axum::Json;
use hongyan_access::permission::Action;
use hongyan_access::{LoginFilter, LoginsOf};
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountState, MemberQuery};
use hongyan_types::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::Asked;
use crate::caller::Caller;
use crate::login::{Login, view};
use crate::member;
use crate::page;
use crate::problem::{Failure, Problem, Result};

const DAY_MILLIS: i64 = 86_400_000;
/// Days when nobody says how many.
const DAYS_DEFAULT: u32 = 30;
/// Sign-ins told of each member.
const RECENT_MAX: usize = 20;
/// Entries of a member's log that are looked at for the last success.
const LOOKED_AT: usize = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Within how many days from now: 30 when left out, at most as many as the login log is kept.
    days: Option<u32>,
    /// Instead: within the time from then on, in milliseconds since the Unix epoch.
    from_millis: Option<i64>,
    /// And before.
    until_millis: Option<i64>,
    /// How many of the latest sign-ins of each are told, failed ones too: none when left out, at most 20.
    #[serde(default)]
    recent: usize,
    /// True: those who have; false: those who have not; all when left out.
    signed_in: Option<bool>,
    /// Only administrators.
    #[serde(default)]
    administrators: bool,
    /// Words that must each occur in name, address, pinyin, initials.
    #[serde(default)]
    text: String,
    /// The `next` of the page before.
    after: Option<String>,
    /// Members that are looked at for the page, at most 1000.
    limit: Option<usize>,
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
}

impl Query {
    /// From when, and before when if that is said.
    fn period(&self, now_millis: i64) -> Result<(i64, Option<Timestamp>)> {
        let until = self.until_millis.map(|millis| Timestamp { millis });
        match (self.days, self.from_millis) {
            (Some(0), _) => Err(Problem::invalid("days: at least 1")),
            (Some(_), Some(_)) => Err(Problem::invalid("say days or from_millis, not both")),
            (None, Some(from)) if until.is_some_and(|until| until.millis <= from) => {
                Err(Problem::invalid("until_millis is not after from_millis"))
            }
            (None, Some(from)) => Ok((from, until)),
            (days, None) => {
                let days = days.unwrap_or(DAYS_DEFAULT);
                Ok((now_millis - i64::from(days) * DAY_MILLIS, until))
            }
        }
    }
}

/// A member and when they signed in last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberSignIn {
    id: u64,
    address: String,
    display_name: String,
    state: AccountState,
    /// The last success within the days asked for; null when there is none.
    last: Option<Login>,
    /// As many as were asked for, the latest first.
    recent: Vec<Login>,
}

/// Part of the members.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembersSignIns {
    items: Vec<MemberSignIn>,
    /// What to ask for as `after`; nothing at the end. A page may have few items, or none, and others follow.
    next: Option<String>,
    /// What of the days asked for is missing, and why.
    note: Option<String>,
}

/// Members with their last sign-in, by name: those who signed in within some days, or those who did not.
#[utoipa::path(get, path = "/api/statistics/sign-ins", params(Query), responses((status = 200, body = MembersSignIns), Failure))]
pub(crate) async fn sign_ins(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<MembersSignIns>> {
    let (tenant, reach) = caller.within(Action::ReadAudit, query.organisation.as_deref()).await?;
    let now = caller.access.now().millis;
    let (wanted, until) = query.period(now)?;
    let kept = i64::try_from(caller.directory.log_days(tenant).await?).unwrap_or(i64::MAX / DAY_MILLIS);
    let from = Timestamp {
        millis: wanted.max(now - kept * DAY_MILLIS),
    };
    let after = page::after(query.after.as_deref(), member::place)?;
    let asked = MemberQuery {
        text: query.text,
        administrators: query.administrators,
        within: reach.departments(),
        ..MemberQuery::default()
    };
    let limit = page::limit(query.limit);
    let page = caller
        .directory
        .find_members(tenant, &asked, after.as_ref(), limit)
        .await?;
    if query.after.is_none() {
        // Whoever reads the log is in it.
        let read = Event::new("logins.read", "sign-ins of members").with("from_millis", from.millis);
        caller.directory.record(Chain::Tenant(tenant), read).await?;
    }
    let filter = LoginFilter {
        from: Some(from),
        until,
        failed: false,
        unusual: false,
    };
    let mut items = Vec::new();
    for account in &page.accounts {
        let found = caller
            .access
            .logins(LoginsOf::Account(account.id), &filter, None, LOOKED_AT);
        let found = found.await?.entries;
        let last = found.iter().find(|entry| entry.result == "ok").cloned();
        if query.signed_in.is_some_and(|signed_in| signed_in != last.is_some()) {
            continue;
        }
        let last = match last {
            Some(entry) => Some(view(&caller, entry).await?),
            None => None,
        };
        let mut recent = Vec::new();
        for entry in found.into_iter().take(query.recent.min(RECENT_MAX)) {
            recent.push(view(&caller, entry).await?);
        }
        items.push(MemberSignIn {
            id: account.id.0,
            address: account.address.to_string(),
            display_name: account.display_name.clone(),
            state: account.state,
            last,
            recent,
        });
    }
    Ok(Json(MembersSignIns {
        items,
        next: page.next.as_ref().map(member::token),
        note: (from.millis > wanted)
            .then(|| format!("the time is cut to {kept} days: the login log is kept no longer")),
    }))
}
