//! Sets how a tenant's accounts sign in, and what holds for one of them.

use hongyan_audit::{Chain, Event};
use hongyan_types::{AddressRanges, TenantId, Timestamp};

use super::{need_account, plan, read_tenant};
use crate::record::change::Touched;
use crate::record::feed::Subject;
use crate::record::sign_in_policy;
use crate::{Change, Error, Etag, Feature, Result, SignInPolicy, etag, key};

/// Entries of a list of addresses, and of those that it does not apply to (LGN, bad input).
pub(crate) const ENTRIES_MAX: usize = 500;
/// Longest time in which to set up a second factor, in days.
const GRACE_DAYS_MAX: u32 = 365;

pub(crate) async fn run(
    transaction: &mut Change,
    id: TenantId,
    policy: &SignInPolicy,
    expect: Option<Etag>,
    now: Timestamp,
) -> Result<SignInPolicy> {
    let tenant = read_tenant(transaction, id).await?;
    let stored = transaction.get(&key::sign_in_policy(id)).await?;
    let before = stored.map(|stored| sign_in_policy::decode(&stored)).transpose()?;
    let before = before.unwrap_or_default();
    etag::check(expect, before.etag(), "sign-in policy", &tenant.name)?;
    let networks = |policy: &SignInPolicy| (policy.networks.clone(), policy.administrator_networks.clone());
    let has_any = !policy.networks.is_empty() || !policy.administrator_networks.is_empty();
    if has_any && networks(policy) != networks(&before) {
        plan::bounds_of(transaction, tenant.clone(), now)
            .await?
            .need(Feature::NetworkLimits)?;
    }
    if policy.exit_page != before.exit_page
        && let Some(url) = &policy.exit_page
    {
        let bounds = plan::bounds_of(transaction, tenant.clone(), now).await?;
        bounds.need(Feature::ExitPage)?;
        crate::exit_page::check(transaction, id, url).await?;
    }
    check_entries(&policy.networks)?;
    check_entries(&policy.administrator_networks)?;
    check_count(policy.exempt_accounts.len() + policy.exempt_departments.len())?;
    for account in &policy.exempt_accounts {
        // One that was deleted may stay named; one of another tenant may not come in.
        if !before.exempt_accounts.contains(account) && need_account(transaction, *account).await?.tenant != id {
            return Err(Error::not_found("account", account.0));
        }
    }
    if policy
        .second_factor
        .is_some_and(|rule| rule.grace_days > GRACE_DAYS_MAX)
    {
        return Err(Error::Invalid(format!(
            "members have at most {GRACE_DAYS_MAX} days to set up a second factor"
        )));
    }
    if *policy == before {
        return Ok(before);
    }
    transaction.set(key::sign_in_policy(id), sign_in_policy::encode(policy));
    transaction.touch(Touched::Tenant(id));
    transaction.tell(id, Subject::Tenant);
    let event = Event::new("organisation.sign-in-policy", &tenant.name)
        .id(id.0)
        .changed("closed", &before.closed, &policy.closed)
        .changed("networks", &before.networks, &policy.networks)
        .changed(
            "administrator_networks",
            &before.administrator_networks,
            &policy.administrator_networks,
        )
        .changed("exempt_members", &before.exempt_accounts, &policy.exempt_accounts)
        .changed(
            "exempt_departments",
            &before.exempt_departments,
            &policy.exempt_departments,
        )
        .changed("second_factor", &before.second_factor, &policy.second_factor)
        .changed("secure_login", &before.secure_login, &policy.secure_login)
        .changed("exit_page", &before.exit_page, &policy.exit_page);
    transaction.record(Chain::Tenant(id), event);
    Ok(policy.clone())
}

pub(crate) fn check_entries(ranges: &AddressRanges) -> Result<()> {
    check_count(ranges.len())
}

fn check_count(count: usize) -> Result<()> {
    if count <= ENTRIES_MAX {
        return Ok(());
    }
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Err(Error::Limit {
        setting: "sign_in_entries_max",
        max: number(ENTRIES_MAX),
        used: number(count),
    })
}
