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
/// Entries of a member's log that are looked at for the last success.
const LOOKED_AT: usize = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Within how many days from now: 30 when left out, at most as many as the login log is kept.
    days: Option<u32>,
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

/// A member and when they signed in last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberSignIn {
    id: u64,
    address: String,
    display_name: String,
    state: AccountState,
    /// The last success within the days asked for; null when there is none.
    last: Option<Login>,
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
    let wanted = query.days.unwrap_or(DAYS_DEFAULT);
    if wanted == 0 {
        return Err(Problem::invalid("days: at least 1"));
    }
    let kept = u32::try_from(caller.directory.log_days(tenant).await?).unwrap_or(u32::MAX);
    let days = wanted.min(kept);
    let from = Timestamp {
        millis: caller.access.now().millis - i64::from(days) * DAY_MILLIS,
    };
    let after = query.after.as_deref().map(member::place).transpose()?;
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
        let read = Event::new("logins.read", "sign-ins of members").with("days", days);
        caller.directory.record(Chain::Tenant(tenant), read).await?;
    }
    let filter = LoginFilter {
        from: Some(from),
        until: None,
        failed: false,
        unusual: false,
    };
    let mut items = Vec::new();
    for account in &page.accounts {
        let found = caller
            .access
            .logins(LoginsOf::Account(account.id), &filter, None, LOOKED_AT);
        let last = found.await?.entries.into_iter().find(|entry| entry.result == "ok");
        if query.signed_in.is_some_and(|signed_in| signed_in != last.is_some()) {
            continue;
        }
        let last = match last {
            Some(entry) => Some(view(&caller, entry).await?),
            None => None,
        };
        items.push(MemberSignIn {
            id: account.id.0,
            address: account.address.to_string(),
            display_name: account.display_name.clone(),
            state: account.state,
            last,
        });
    }
    Ok(Json(MembersSignIns {
        items,
        next: page.next.as_ref().map(member::token),
        note: (days < wanted).then(|| format!("days is cut to {days}: the login log is kept no longer")),
    }))
}
