//! /api/organisations/{name}/sign-in-policy: from where, by what and with what an organisation's members sign in.

use std::collections::BTreeSet;

use axum::extract::Path;
use hongyan_access::Protocol;
use hongyan_access::permission::{Action, Object};
use hongyan_directory::{self as directory, Demand, DepartmentId, SecondFactorRule};
use hongyan_types::{AddressRanges, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Caller, parse_address};
use crate::conditional::{IfMatch, Tagged, with_present};
use crate::organisation::present_field;
use crate::problem::{Failure, Problem, Result};

/// Days in which to set up a second factor, where nothing else is said (AUTH, bad input).
const GRACE_DAYS: u32 = 7;

/// How members sign in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInPolicy {
    /// The ways in that are closed to all members; `web` stays open to administrators.
    closed: Vec<Protocol>,
    /// Of the ways in that are closed at first, which is `active-sync`, those that are open.
    opened: Vec<Protocol>,
    /// From where one signs in; from anywhere when there are none.
    networks: Vec<String>,
    /// From where administrators sign in, whatever else is said.
    administrator_networks: Vec<String>,
    /// Members to whom `networks` do not apply.
    exempt_members: Vec<String>,
    /// Departments, with all below them, to whose members `networks` do not apply.
    exempt_departments: Vec<u32>,
    second_factor: Option<SecondFactor>,
    /// Whether clients of all members need app passwords (LGN-12).
    secure_login: bool,
    /// Where signing out leads (LGN-10); null is our own page.
    exit_page: Option<String>,
    /// What was put right in what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<String>,
}

/// A second factor is demanded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactor {
    of: Demand,
    /// Since when.
    since_millis: i64,
    /// Days in which to set one up, from then or from when a member came.
    grace_days: u32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorDemand)]
pub(crate) struct WantedFactor {
    of: Demand,
    /// 7 when nothing is said; 365 at most.
    grace_days: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInPolicyChange)]
pub(crate) struct Change {
    closed: Option<BTreeSet<Protocol>>,
    /// `active-sync`, or nothing.
    opened: Option<BTreeSet<Protocol>>,
    /// Addresses, networks (`10.0.0.0/8`) and ranges (`192.0.2.1-192.0.2.9`), 500 at most.
    networks: Option<Vec<String>>,
    administrator_networks: Option<Vec<String>>,
    /// Addresses of members.
    exempt_members: Option<Vec<String>>,
    exempt_departments: Option<BTreeSet<u32>>,
    /// Null demands none.
    #[serde(default, deserialize_with = "present_field")]
    second_factor: Option<Option<WantedFactor>>,
    secure_login: Option<bool>,
    /// A URL of https below a domain of the organisation; null is our own page.
    #[serde(default, deserialize_with = "present_field")]
    exit_page: Option<Option<String>>,
}

/// Reads entries and tells what was put right.
pub(crate) fn ranges(entries: &[String]) -> Result<(AddressRanges, Vec<String>)> {
    AddressRanges::read(entries).map_err(|error| Problem::invalid(error.to_string()))
}

async fn view(caller: &Caller, policy: &directory::SignInPolicy, notices: Vec<String>) -> Result<SignInPolicy> {
    let mut exempt_members = Vec::new();
    for id in &policy.exempt_accounts {
        if let Some(account) = caller.directory.account(*id).await? {
            exempt_members.push(account.address.to_string());
        }
    }
    Ok(SignInPolicy {
        closed: policy.closed.iter().copied().collect(),
        opened: policy.opened.iter().copied().collect(),
        networks: policy.networks.entries(),
        administrator_networks: policy.administrator_networks.entries(),
        exempt_members,
        exempt_departments: policy.exempt_departments.iter().map(|id| id.0).collect(),
        second_factor: policy.second_factor.map(|rule| SecondFactor {
            of: rule.of,
            since_millis: rule.since.millis,
            grace_days: rule.grace_days,
        }),
        secure_login: policy.secure_login,
        exit_page: policy.exit_page.clone(),
        notices,
    })
}

impl Change {
    /// What the policy becomes, and what was put right.
    async fn over(self, caller: &Caller, present: &directory::SignInPolicy) -> Result<Wanted> {
        let mut policy = present.clone();
        let mut notices = Vec::new();
        let sets = [
            (&self.networks, &mut policy.networks),
            (&self.administrator_networks, &mut policy.administrator_networks),
        ];
        for (wanted, set) in sets {
            if let Some(entries) = wanted {
                let (read, told) = ranges(entries)?;
                *set = read;
                notices.extend(told);
            }
        }
        if let Some(members) = &self.exempt_members {
            policy.exempt_accounts.clear();
            for member in members {
                let account = caller.directory.account_at(&parse_address(member)?).await?;
                policy.exempt_accounts.insert(account.id);
            }
        }
        if let Some(departments) = self.exempt_departments {
            policy.exempt_departments = departments.into_iter().map(DepartmentId).collect();
        }
        if let Some(factor) = self.second_factor {
            let now = caller.access.now();
            policy.second_factor = factor.map(|factor| SecondFactorRule {
                of: factor.of,
                // Whoever was given days keeps them.
                since: match present.second_factor {
                    Some(present) if present.of == factor.of => present.since,
                    _ => now,
                },
                grace_days: factor.grace_days.unwrap_or(GRACE_DAYS),
            });
        }
        policy.exit_page = self.exit_page.unwrap_or(policy.exit_page);
        policy.closed = self.closed.unwrap_or(policy.closed);
        if let Some(opened) = self.opened {
            if let Some(other) = opened.iter().find(|way| !Protocol::CLOSED_AT_FIRST.contains(way)) {
                let detail = format!("opened: {} is open unless it is closed", other.label());
                return Err(Problem::invalid(detail));
            }
            policy.opened = opened;
        }
        policy.secure_login = self.secure_login.unwrap_or(policy.secure_login);
        Ok(Wanted { policy, notices })
    }
}

struct Wanted {
    policy: directory::SignInPolicy,
    notices: Vec<String>,
}

async fn named(caller: &Caller, action: Action, name: &str) -> Result<TenantId> {
    let id = caller.organisation(Some(name)).await?;
    caller.permit(action, &Object::organisation(id))?;
    Ok(id)
}

/// How an organisation's members sign in.
#[utoipa::path(get, path = "/api/organisations/{name}/sign-in-policy", params(("name" = String, Path)), responses((status = 200, body = SignInPolicy), Failure))]
pub(crate) async fn show(caller: Caller, Path(name): Path<String>) -> Result<Tagged<SignInPolicy>> {
    let id = named(&caller, Action::ReadSignInPolicy, &name).await?;
    let policy = caller.directory.sign_in_policy(id).await?;
    Ok(Tagged::new(policy.etag(), view(&caller, &policy, Vec::new()).await?))
}

/// Changes how an organisation's members sign in. Sessions that it does not allow end on all nodes. What would keep out who
/// asks is refused, unless a super administrator is exempt.
#[utoipa::path(patch, path = "/api/organisations/{name}/sign-in-policy", params(("name" = String, Path)), request_body = Change, responses((status = 200, body = SignInPolicy), Failure))]
pub(crate) async fn change(
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(expect): IfMatch,
    Body(change): Body<Change>,
) -> Result<Tagged<SignInPolicy>> {
    let id = named(&caller, Action::ChangeSignInPolicy, &name).await?;
    caller.check_proof()?;
    let present = caller.directory.sign_in_policy(id).await?;
    let Wanted { policy, notices } = change.over(&caller, &present).await?;
    // What was added to is what was looked at.
    let expect = expect.or_else(|| Some(present.etag()));
    let outcome = caller
        .access
        .set_sign_in_policy(&caller.directory, &caller.actor, id, &policy, expect)
        .await;
    let outcome = match outcome {
        Err(hongyan_access::AccessError::Directory(error)) => Err(error),
        outcome => Ok(outcome?),
    };
    let policy = with_present(outcome, async {
        let present = caller.directory.sign_in_policy(id).await?;
        view(&caller, &present, Vec::new()).await
    })
    .await?;
    Ok(Tagged::new(policy.etag(), view(&caller, &policy, notices).await?))
}

/// Members whose clients would stop working if app passwords were demanded of all (LGN-11).
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct SecureLoginEffect {
    /// Members, without those who are suspended and without shared mailboxes.
    members: usize,
    /// Those of them whose clients sign in with the password now.
    without: usize,
    /// Those among them who have no app password either: their clients stop until they make one.
    stopped: usize,
    /// The addresses of the first hundred of those.
    stopped_members: Vec<String>,
}

/// Members read at a time.
const LOOK_MEMBERS: usize = 500;
/// Members who are named.
const NAMED_MEMBERS_MAX: usize = 100;

/// What demanding app passwords of all members would do, to be shown before it is demanded: clients of members who have not
/// turned on secure login neither fetch nor send until they have an app password.
#[utoipa::path(get, path = "/api/organisations/{name}/sign-in-policy/secure-login-effect", params(("name" = String, Path)), responses((status = 200, body = SecureLoginEffect), Failure))]
pub(crate) async fn secure_login_effect(
    caller: Caller,
    Path(name): Path<String>,
) -> Result<axum::Json<SecureLoginEffect>> {
    let id = named(&caller, Action::ReadSignInPolicy, &name).await?;
    let now = caller.access.now();
    let mut effect = SecureLoginEffect::default();
    let mut after = None;
    loop {
        let accounts = caller.directory.accounts(id, after, LOOK_MEMBERS).await?;
        for account in &accounts {
            let is_asked =
                account.kind == directory::AccountKind::Member && account.state == directory::AccountState::Active;
            if !is_asked {
                continue;
            }
            effect.members += 1;
            let factors = caller.directory.factors(account.id).await?;
            if factors.secure_login || factors.rule.secure_login || factors.has_second_factor() {
                continue;
            }
            effect.without += 1;
            let is_good = |password: &directory::AppPassword| password.expires.is_none_or(|end| end > now);
            if factors.app_passwords.iter().any(is_good) {
                continue;
            }
            effect.stopped += 1;
            if effect.stopped_members.len() < NAMED_MEMBERS_MAX {
                effect.stopped_members.push(account.address.to_string());
            }
        }
        match accounts.last() {
            Some(last) if accounts.len() == LOOK_MEMBERS => after = Some(last.id),
            _ => return Ok(axum::Json(effect)),
        }
    }
}
