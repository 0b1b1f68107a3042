//! /api/members: people and shared mailboxes.

mod address;
mod change;
mod create;
mod limits;
mod to_come;

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_access::PasswordOwner;
use hongyan_access::permission::Action;
use hongyan_directory::{
    AccountKind, AccountRecord, AccountSettings, AccountState, DepartmentId, Language, Limits, MemberOrder,
    MemberPlace, MemberQuery, Profile, Quota, Role, Seat, TagId,
};
use hongyan_mailbox::{MailboxId, QuotaLimits, SetQuota};
use hongyan_sasl::Secret;
use hongyan_types::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Body};
use crate::caller::Caller;
use crate::conditional::Tagged;
use crate::page;
use crate::problem::{Failure, Problem, Result};

pub(crate) use address::{__path_set_address, set_address};
pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, create};
pub(crate) use limits::{__path_limits, limits};
pub(crate) use to_come::{ToCome, to_come};

/// How long a mailbox may take to answer.
const ASK: Duration = Duration::from_secs(10);
/// Per cent of a quota from which the member is warned.
const QUOTA_WARNING_PERCENT: u8 = 90;

/// A person, or a mailbox that several people use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    id: u64,
    kind: AccountKind,
    address: String,
    /// Whether the address was made up, and may be changed once.
    address_made_up: bool,
    display_name: String,
    state: AccountState,
    /// What it may do for its organisation.
    role: Option<Role>,
    /// Whether it has a role.
    administrator: bool,
    aliases: Vec<String>,
    profile: Profile,
    /// Where it belongs; none is the organisation itself. The first is its main one.
    departments: Vec<DepartmentId>,
    tags: Vec<TagId>,
    seat: Seat,
    quota: Quota,
    /// Limits of its own, tighter than its organisation's.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    limits: Limits,
    settings: AccountSettings,
    /// Null is the organisation's.
    language: Option<Language>,
    created_millis: i64,
}

/// Part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Members {
    items: Vec<Member>,
    /// What to ask for as `after`; nothing at the end.
    next: Option<String>,
    /// How many there are on all pages.
    total: usize,
}

/// A password in a request; never printed.
#[derive(Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Password(pub(crate) String);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetPassword {
    password: Password,
    /// Whether the member has to change it at the next sign-in (AUTH-10).
    #[serde(default)]
    must_change: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whose, by name; needed only from operators of several organisations.
    organisation: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
    /// Words that must each occur in name, address, pinyin, initials, employee id, phone or title.
    #[serde(default)]
    text: String,
    /// Who belong to this department; 0 has those without one.
    department: Option<DepartmentId>,
    /// And to all below it.
    #[serde(default)]
    deep: bool,
    /// Who bear this tag, themselves or by a department.
    tag: Option<TagId>,
    state: Option<AccountState>,
    kind: Option<AccountKind>,
    seat: Option<Seat>,
    /// Only those who have a role.
    #[serde(default)]
    administrators: bool,
}

pub(crate) fn view(account: &AccountRecord) -> Member {
    Member {
        id: account.id.0,
        kind: account.kind,
        address: account.address.to_string(),
        address_made_up: account.address_made_up,
        display_name: account.display_name.clone(),
        state: account.state,
        role: account.role.clone(),
        administrator: account.role.is_some(),
        aliases: account.aliases.iter().map(ToString::to_string).collect(),
        profile: account.profile.clone(),
        departments: account.departments.clone(),
        tags: account.tags.clone(),
        seat: account.seat,
        quota: account.quota,
        limits: account.limits.clone(),
        settings: account.settings,
        language: account.language,
        created_millis: account.created.millis,
    }
}

/// What a member is now.
pub(crate) async fn present(caller: &Caller, id: AccountId) -> Result<Member> {
    let account = caller.directory.account(id).await?;
    let account = account.ok_or_else(|| Problem::not_found("it does not exist any more"))?;
    Ok(view(&account))
}

/// The right to make or change one of that kind.
fn change_action(kind: AccountKind) -> Action {
    match kind {
        AccountKind::Member => Action::ChangeMembers,
        AccountKind::Shared => Action::ChangeShared,
    }
}

pub(crate) fn token(place: &MemberPlace) -> String {
    URL_SAFE_NO_PAD.encode(format!("{} {}", place.id.0, place.order))
}

pub(crate) fn place(token: &str) -> Option<MemberPlace> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (id, order) = text.split_once(' ')?;
    Some(MemberPlace {
        by: MemberOrder::Name,
        order: order.to_owned(),
        id: AccountId(id.parse().ok()?),
    })
}

/// Members and shared mailboxes, by name.
#[utoipa::path(get, path = "/api/members", params(Query), responses((status = 200, body = Members), Failure))]
pub(crate) async fn list(caller: Caller, Asked(query): Asked<Query>) -> Result<Json<Members>> {
    let action = match query.kind {
        Some(AccountKind::Shared) => Action::ReadShared,
        _ => Action::ReadMembers,
    };
    let (tenant, reach) = caller.within(action, query.organisation.as_deref()).await?;
    let after = page::after(query.after.as_deref(), place)?;
    let asked = MemberQuery {
        text: query.text,
        department: query.department,
        deep: query.deep,
        tag: query.tag,
        state: query.state,
        kind: query.kind,
        seat: query.seat,
        administrators: query.administrators,
        within: reach.departments(),
        ..MemberQuery::default()
    };
    let limit = page::limit(query.limit);
    let found = caller
        .directory
        .find_members(tenant, &asked, after.as_ref(), limit)
        .await?;
    Ok(Json(Members {
        items: found.accounts.iter().map(|account| view(account)).collect(),
        next: found.next.as_ref().map(token),
        total: found.total,
    }))
}

/// A member, by any of its addresses.
#[utoipa::path(get, path = "/api/members/{address}", params(("address" = String, Path)), responses((status = 200, body = Member), Failure))]
pub(crate) async fn show(caller: Caller, Path(address): Path<String>) -> Result<Tagged<Member>> {
    let account = caller.member(Action::ReadMembers, &address).await?;
    Ok(Tagged::new(account.etag(), view(&account)))
}

/// Sets a password; running sessions end.
#[utoipa::path(put, path = "/api/members/{address}/password", params(("address" = String, Path)), request_body = SetPassword, responses((status = 204), Failure))]
pub(crate) async fn set_password(
    caller: Caller,
    Path(address): Path<String>,
    Body(new): Body<SetPassword>,
) -> Result<StatusCode> {
    let account = caller.member(Action::ControlMembers, &address).await?;
    let password = Secret::new(new.password.0);
    let owner = PasswordOwner {
        address: &account.address,
        aliases: &account.aliases,
        display_name: &account.display_name,
    };
    caller.access.check_password(&owner, &password)?;
    let credential = caller.access.hash_password_of(account.id, &password).await?;
    caller.directory.set_credential(account.id, &credential).await?;
    if caller.directory.factors(account.id).await?.must_change != new.must_change {
        caller
            .access
            .set_must_change(&caller.directory, account.id, new.must_change)
            .await?;
    }
    caller.access.account_changed(account.id).await?;
    tracing::info!(account = account.id.0, "password set");
    Ok(StatusCode::NO_CONTENT)
}

/// Tells the mailbox its limits; it keeps them itself, as it alone counts what it holds.
async fn set_quota(caller: &Caller, account: &AccountRecord) -> Result<()> {
    let quota = caller.directory.quota_of(account).await?;
    let limits = QuotaLimits {
        octets_max: quota.octets_max.unwrap_or(0),
        messages_max: quota.messages_max.unwrap_or(0),
        warning_percent: QUOTA_WARNING_PERCENT,
    };
    caller
        .router
        .ask(&mailbox_of(account), SetQuota { limits }, ASK)
        .await??;
    Ok(())
}

fn mailbox_of(account: &AccountRecord) -> MailboxId {
    MailboxId {
        tenant: account.tenant,
        account: account.id,
    }
}

/// Refuses departments beyond the caller's reach.
pub(crate) async fn check_departments(
    caller: &Caller,
    action: Action,
    tenant: hongyan_types::TenantId,
    departments: &[DepartmentId],
) -> Result<()> {
    for department in departments {
        let places = caller.directory.with_all_above(tenant, &[*department]).await?;
        let object = hongyan_access::permission::Object::one(tenant, &places);
        match hongyan_access::permission::permit(&caller.actor, action, &object) {
            Err(hongyan_access::permission::Refusal::Hidden) => {
                return Err(hongyan_directory::Error::NotFound {
                    what: "department",
                    name: department.to_string(),
                }
                .into());
            }
            permitted => drop(permitted?),
        }
    }
    Ok(())
}
