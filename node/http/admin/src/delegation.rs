//! /api/me/delegations: who acts for whom (DLG), as members settle it among themselves.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use hongyan_access::permission::{Action, Actor, Object};
use hongyan_directory::{
    AccountRecord, AccountState, DelegationRequest, GrantRecord, GrantRights, Grantee, NewGrant, Sending,
};
use hongyan_types::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Caller, parse_address};
use crate::problem::{Failure, Problem, Result};

const DAY_MILLIS: i64 = 86_400_000;

/// What someone may do for another (DLG-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// Send in their own name on behalf of the other.
    SendOnBehalf,
    /// Send in the other's name.
    SendAs,
    /// Enter the mailbox, and send in the other's name.
    Full,
}

impl Level {
    fn rights(self) -> GrantRights {
        match self {
            Self::SendOnBehalf => GrantRights {
                send: Sending::OnBehalf,
                ..GrantRights::default()
            },
            Self::SendAs => GrantRights {
                send: Sending::As,
                ..GrantRights::default()
            },
            Self::Full => GrantRights::FULL,
        }
    }
    fn of(rights: GrantRights) -> Self {
        match (rights.read, rights.send) {
            (true, _) => Self::Full,
            (false, Sending::As) => Self::SendAs,
            (false, _) => Self::SendOnBehalf,
        }
    }
}

/// How long (DLG-4), from the moment when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Period {
    Day,
    Week,
    /// 30 days.
    Month,
    /// 91 days.
    ThreeMonths,
    /// 182 days.
    SixMonths,
}

impl Period {
    fn days(self) -> u32 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::ThreeMonths => 91,
            Self::SixMonths => 182,
        }
    }
}

/// Whether a delegation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DelegationState {
    Active,
    /// Its time is over.
    Expired,
    /// Whoever granted it stopped it, or one of both is switched off.
    Stopped,
}

/// One member who acts for another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delegation {
    /// The other one.
    member: String,
    display_name: String,
    level: Level,
    from_millis: i64,
    until_millis: Option<i64>,
    state: DelegationState,
}

/// Somebody's wish to act for another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DelegationWish {
    /// The other one.
    member: String,
    display_name: String,
    level: Level,
    /// Days from the moment when it is accepted.
    days: u32,
    at_millis: i64,
}

/// Who acts for whom.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delegations {
    /// Who acts for me.
    for_me: Vec<Delegation>,
    /// For whom I act.
    by_me: Vec<Delegation>,
    /// Who asks to act for me.
    asked_of_me: Vec<DelegationWish>,
    /// For whom I ask to act.
    asked_by_me: Vec<DelegationWish>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Appoint {
    /// Who is to act, or for whom one asks to: a member's address.
    member: String,
    level: Level,
    period: Period,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    /// Always true: what was stopped begins anew by appointing.
    stopped: bool,
}

/// The caller's own account; a program settles nothing among people.
async fn me(caller: &Caller) -> Result<Arc<AccountRecord>> {
    let Actor::Person(person) = &caller.actor else {
        return Err(Problem::invalid("an operator has no mailbox to act for"));
    };
    let object = Object::organisation(person.tenant).of(person.account);
    caller.permit(Action::ChangeDelegations, &object)?;
    let account = caller.directory.account(person.account).await?;
    account.ok_or_else(|| Problem::not_found("it does not exist any more"))
}

/// Another member of the caller's organisation.
async fn other(caller: &Caller, me: &AccountRecord, address: &str) -> Result<Arc<AccountRecord>> {
    let parsed = parse_address(address)?;
    let missing = || Problem::not_found(format!("account {address} does not exist"));
    match caller.directory.account_at(&parsed).await {
        Ok(account) if account.tenant == me.tenant => Ok(account),
        Ok(_) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

async fn view(
    caller: &Caller,
    me: &AccountRecord,
    grant: &GrantRecord,
    other: AccountId,
) -> Result<Option<Delegation>> {
    let Some(other) = caller.directory.account(other).await? else {
        return Ok(None);
    };
    let both_active = me.state == AccountState::Active && other.state == AccountState::Active;
    let state = match grant.until {
        _ if grant.stopped || !both_active => DelegationState::Stopped,
        Some(until) if until <= caller.directory.now() => DelegationState::Expired,
        _ => DelegationState::Active,
    };
    Ok(Some(Delegation {
        member: other.address.to_string(),
        display_name: other.display_name.clone(),
        level: Level::of(grant.rights),
        from_millis: grant.from.millis,
        until_millis: grant.until.map(|until| until.millis),
        state,
    }))
}

async fn wish(caller: &Caller, request: &DelegationRequest, other: AccountId) -> Result<Option<DelegationWish>> {
    let other = caller.directory.account(other).await?;
    Ok(other.map(|other| DelegationWish {
        member: other.address.to_string(),
        display_name: other.display_name.clone(),
        level: Level::of(request.rights),
        days: request.days,
        at_millis: request.at.millis,
    }))
}

/// Who acts for me, and for whom I act.
#[utoipa::path(get, path = "/api/me/delegations", responses((status = 200, body = Delegations), Failure))]
pub(crate) async fn list(caller: Caller) -> Result<Json<Delegations>> {
    let me = me(&caller).await?;
    let mut all = Delegations {
        for_me: Vec::new(),
        by_me: Vec::new(),
        asked_of_me: Vec::new(),
        asked_by_me: Vec::new(),
    };
    for grant in caller.directory.grants_of(me.id).await? {
        if let Grantee::Account(to) = grant.to {
            all.for_me.extend(view(&caller, &me, &grant, to).await?);
        }
    }
    for grant in caller.directory.grants_to(&me).await? {
        let of = caller.directory.account(grant.account).await?;
        // Shared mailboxes are used, not acted for.
        if of.is_some_and(|of| of.kind == hongyan_directory::AccountKind::Member) {
            all.by_me.extend(view(&caller, &me, &grant, grant.account).await?);
        }
    }
    for request in caller.directory.requests_to(me.id).await? {
        all.asked_of_me.extend(wish(&caller, &request, request.by).await?);
    }
    for request in caller.directory.requests_by(me.id).await? {
        all.asked_by_me.extend(wish(&caller, &request, request.account).await?);
    }
    Ok(Json(all))
}

async fn grant(
    caller: &Caller,
    me: &AccountRecord,
    to: &AccountRecord,
    rights: GrantRights,
    days: u32,
) -> Result<Json<Delegation>> {
    let new = NewGrant {
        account: me.id,
        to: Grantee::Account(to.id),
        rights,
        until: Some(Timestamp {
            millis: caller.directory.now().millis + i64::from(days) * DAY_MILLIS,
        }),
    };
    let grant = caller.directory.appoint(me, to, &new).await?;
    tracing::info!(account = me.id.0, to = to.id.0, "delegation given");
    let shown = view(caller, me, &grant, to.id).await?;
    Ok(Json(
        shown.ok_or_else(|| Problem::not_found("it does not exist any more"))?,
    ))
}

/// Lets a member act for me, in place of what they might before.
#[utoipa::path(post, path = "/api/me/delegations", request_body = Appoint, responses((status = 200, body = Delegation), Failure))]
pub(crate) async fn appoint(caller: Caller, Body(asked): Body<Appoint>) -> Result<Json<Delegation>> {
    let me = me(&caller).await?;
    caller.check_proof()?;
    let to = other(&caller, &me, &asked.member).await?;
    grant(&caller, &me, &to, asked.level.rights(), asked.period.days()).await
}

/// Stops what a member may do for me; it is still to be seen.
#[utoipa::path(patch, path = "/api/me/delegations/{member}", params(("member" = String, Path)), request_body = Stop, responses((status = 204), Failure))]
pub(crate) async fn stop(caller: Caller, Path(member): Path<String>, Body(stop): Body<Stop>) -> Result<StatusCode> {
    if !stop.stopped {
        return Err(Problem::invalid("stopped: what was stopped begins anew by appointing"));
    }
    let me = me(&caller).await?;
    let to = other(&caller, &me, &member).await?;
    caller.directory.stop_delegation(me.id, to.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes what a member may do for me, or else what I may do for them.
#[utoipa::path(delete, path = "/api/me/delegations/{member}", params(("member" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn remove(caller: Caller, Path(member): Path<String>) -> Result<StatusCode> {
    let me = me(&caller).await?;
    let to = other(&caller, &me, &member).await?;
    let mine = caller.directory.grants_of(me.id).await?;
    let is_mine = mine.iter().any(|grant| grant.to == Grantee::Account(to.id));
    // A shared mailbox is given and taken by administrators.
    let (account, from) = match is_mine {
        true => (me.id, to.id),
        false if to.kind == hongyan_directory::AccountKind::Member => (to.id, me.id),
        false => return Err(Problem::not_found("there is no such delegation")),
    };
    caller.directory.withdraw(account, Grantee::Account(from)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a member to be allowed to act for them.
#[utoipa::path(post, path = "/api/me/delegations/requests", request_body = Appoint, responses((status = 202), Failure))]
pub(crate) async fn ask(caller: Caller, Body(asked): Body<Appoint>) -> Result<StatusCode> {
    let me = me(&caller).await?;
    let principal = other(&caller, &me, &asked.member).await?;
    let request = DelegationRequest {
        account: principal.id,
        by: me.id,
        rights: asked.level.rights(),
        days: asked.period.days(),
        at: caller.directory.now(),
    };
    caller.directory.ask_to_act(&principal, &me, &request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Accepts what a member asks.
#[utoipa::path(post, path = "/api/me/delegations/requests/{member}/accept", params(("member" = String, Path)), responses((status = 200, body = Delegation), Failure))]
pub(crate) async fn accept(caller: Caller, Path(member): Path<String>) -> Result<Json<Delegation>> {
    let me = me(&caller).await?;
    caller.check_proof()?;
    let by = other(&caller, &me, &member).await?;
    let requests = caller.directory.requests_to(me.id).await?;
    let request = requests.iter().find(|request| request.by == by.id);
    let request = request.ok_or_else(|| Problem::not_found(format!("{member} asks for nothing")))?;
    grant(&caller, &me, &by, request.rights, request.days).await
}

/// Turns down what a member asks, or takes back what I ask of them.
#[utoipa::path(delete, path = "/api/me/delegations/requests/{member}", params(("member" = String, Path)), responses((status = 204), Failure))]
pub(crate) async fn turn_down(caller: Caller, Path(member): Path<String>) -> Result<StatusCode> {
    let me = me(&caller).await?;
    let other = other(&caller, &me, &member).await?;
    let requests = caller.directory.requests_to(me.id).await?;
    match requests.iter().any(|request| request.by == other.id) {
        true => caller.directory.turn_down(me.id, other.id, Some(&me)).await?,
        false => caller.directory.turn_down(other.id, me.id, None).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}
