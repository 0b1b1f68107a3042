//! Gives a tenant a plan, seats and limits of its own; what is above them stays, and no more is added (PLAN, bad input).

use hongyan_audit::{Chain, Event};
use hongyan_types::{TenantId, Timestamp};

use super::plan::{self, Bounds, bounds, write_use};
use super::{days_due, quota_due, read_tenant};
use crate::limit::check_values;
use crate::plan_news::plan_ends;
use crate::{
    Affected, Change, DirectoryOptions, Error, Feature, Limit, LimitsChange, PlanAssignment, PlanUse, Result, etag, key,
};

/// Days before the end of a plan at which administrators are told; 0 is the end itself.
const DAYS: [u32; 4] = [30, 7, 1, 0];

/// What a tenant has more of than `after` allows, and what of its functions end.
pub(crate) async fn affected(
    transaction: &mut hongyan_kv::Transaction,
    before: &Bounds,
    after: &Bounds,
    options: &DirectoryOptions,
) -> Result<Affected> {
    let tenant = after.owner.id;
    let mut affected = Affected::default();
    for feature in Feature::ALL {
        if before.need(feature).is_ok() && after.need(feature).is_err() {
            affected.features.push(feature);
        }
    }
    for limit in Limit::ALL {
        let counts = &after.owner.counts;
        let used = match limit {
            Limit::AccountsPerTenantMax => counts.accounts,
            Limit::DomainsPerTenantMax => counts.domains,
            Limit::GroupsPerTenantMax => counts.groups,
            Limit::SharedMailboxesPerTenantMax => {
                let (in_force, used) = plan::shared_mailboxes(transaction, after, options).await?;
                if let Some(max) = in_force.max.filter(|max| used > *max) {
                    affected.above.push((limit, max, used));
                }
                continue;
            }
            Limit::TokensPerTenantMax => plan::count(transaction, &key::tenant_tokens(Some(tenant))).await?,
            _ => {
                // Each account has its own; whether it tightens is what can be said of all.
                let (old, new) = (before.of(limit, options).max, after.of(limit, options).max);
                if new.is_some_and(|new| old.is_none_or(|old| new < old)) {
                    affected.tighter.push((limit, new.unwrap_or(0)));
                }
                continue;
            }
        };
        if let Some(max) = after.of(limit, options).max
            && used > max
        {
            affected.above.push((limit, max, used));
        }
    }
    if let Some(seats) = after.used.seats {
        let used = plan::count(transaction, &key::seats(tenant)).await?;
        affected.seats_above = used.saturating_sub(seats);
    }
    Ok(affected)
}

/// What would be affected, and the assignment as it would be.
async fn prepare(
    transaction: &mut hongyan_kv::Transaction,
    tenant: TenantId,
    asked: &PlanAssignment,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<(PlanUse, PlanUse, Affected)> {
    let before = bounds(transaction, tenant, now).await?;
    etag::check(asked.expect, before.used.etag(), "plan of", &before.owner.name)?;
    if asked.until.is_some_and(|until| until <= now) {
        return Err(Error::Invalid("the plan would be over at once".to_owned()));
    }
    let mut used = PlanUse {
        until: asked.until,
        seats: asked.seats,
        seen: Some(now),
        told_days: None,
        ..before.used.clone()
    };
    used.plan = named(transaction, asked.plan.as_deref()).await?;
    used.fallback = named(transaction, asked.fallback.as_deref()).await?;
    if before.used.plan_at(now) != used.plan.as_deref() {
        used.since = Some(now);
    }
    let after = plan_bounds(transaction, &before, &used, now).await?;
    let found = affected(transaction, &before, &after, options).await?;
    Ok((before.used, used, found))
}

async fn plan_bounds(
    transaction: &mut hongyan_kv::Transaction,
    before: &Bounds,
    used: &PlanUse,
    now: Timestamp,
) -> Result<Bounds> {
    let plan = match used.plan_at(now) {
        Some(name) => Some(plan::need(transaction, name).await?),
        None => None,
    };
    Ok(Bounds {
        owner: before.owner.clone(),
        used: used.clone(),
        plan,
    })
}

/// A plan's name as it is written.
async fn named(transaction: &mut hongyan_kv::Transaction, name: Option<&str>) -> Result<Option<String>> {
    match name {
        Some(name) => Ok(Some(plan::need(transaction, name).await?.name)),
        None => Ok(None),
    }
}

/// What an assignment would affect.
pub(crate) async fn preview(
    transaction: &mut hongyan_kv::Transaction,
    tenant: TenantId,
    asked: &PlanAssignment,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<Affected> {
    Ok(prepare(transaction, tenant, asked, options, now).await?.2)
}

/// Assigns it; what it affects has to be confirmed.
pub(crate) async fn run(
    transaction: &mut Change,
    tenant: TenantId,
    asked: &PlanAssignment,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<PlanUse> {
    let (before, used, affected) = prepare(transaction, tenant, asked, options, now).await?;
    if !affected.is_empty() && !asked.confirmed {
        return Err(Error::InUse {
            what: "plan",
            name: used.plan.clone().unwrap_or_default(),
            by: affected.to_string(),
        });
    }
    let mut bounds = bounds(transaction, tenant, now).await?;
    let room = bounds.of(Limit::MailboxOctetsMax, options).max;
    bounds = plan_bounds(transaction, &bounds, &used, now).await?;
    let room = (room, bounds.of(Limit::MailboxOctetsMax, options).max);
    quota_due::spread(transaction, tenant, room, options, now);
    write_use(transaction, tenant, &used);
    let owner = bounds.owner;
    let event = Event::new("organisation.plan", &owner.name)
        .id(tenant.0)
        .changed("plan", &before.plan, &used.plan)
        .changed("until", &before.until, &used.until)
        .changed("fallback", &before.fallback, &used.fallback)
        .changed("seats", &before.seats, &used.seats);
    transaction.record(Chain::Tenant(tenant), event);
    Ok(used)
}

/// Sets limits of one organisation: the operator any, its administrators tighter ones.
pub(crate) async fn set_limits(
    transaction: &mut Change,
    tenant: TenantId,
    change: &LimitsChange,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<PlanUse> {
    let mut bounds = bounds(transaction, tenant, now).await?;
    etag::check(change.expect, bounds.used.etag(), "limits of", &bounds.owner.name)?;
    let before = bounds.used.clone();
    let room = bounds.of(Limit::MailboxOctetsMax, options).max;
    for (limit, value) in &change.limits {
        if change.by_operator {
            set_as_operator(transaction, &mut bounds, *limit, *value);
            continue;
        }
        if !limit.is_organisations() {
            return Err(Error::Refused(format!("{} is set by the operator", limit.name())));
        }
        bounds.used.by_administrators.remove(limit);
        let in_force = bounds.of(*limit, options);
        if let Some(value) = value {
            if let Some(max) = in_force.max
                && *value > max
            {
                return Err(in_force.refusal(max, *value));
            }
            bounds.used.by_administrators.insert(*limit, *value);
        }
    }
    check_values(&bounds.used.by_operator)?;
    check_values(&bounds.used.by_administrators)?;
    let room = (room, bounds.of(Limit::MailboxOctetsMax, options).max);
    quota_due::spread(transaction, tenant, room, options, now);
    write_use(transaction, tenant, &bounds.used);
    let event = Event::new("organisation.limits", &bounds.owner.name)
        .id(tenant.0)
        .changed("by_operator", &before.by_operator, &bounds.used.by_operator)
        .changed(
            "by_administrators",
            &before.by_administrators,
            &bounds.used.by_administrators,
        );
    transaction.record(Chain::Tenant(tenant), event);
    Ok(bounds.used)
}

/// Two of them are fields of the organisation.
fn set_as_operator(transaction: &mut Change, bounds: &mut Bounds, limit: Limit, value: Option<u64>) {
    match limit {
        Limit::AccountsPerTenantMax => bounds.owner.accounts_max = value,
        Limit::AliasesPerAccountMax => {
            bounds.owner.aliases_per_account_max = value.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
        }
        _ => {
            match value {
                Some(value) => drop(bounds.used.by_operator.insert(limit, value)),
                None => drop(bounds.used.by_operator.remove(&limit)),
            }
            return;
        }
    }
    super::write_tenant(transaction, &bounds.owner);
}

/// Notes the time; falls back when the plan is over, and tells administrators of that and before it.
pub(crate) async fn look(
    transaction: &mut Change,
    tenant: TenantId,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<()> {
    let mut used = plan::read_use(transaction, tenant).await?;
    let Some(until) = used.until else { return Ok(()) };
    let now = used.seen.map_or(now, |seen| seen.max(now));
    used.seen = Some(now);
    let left = until.millis.saturating_sub(now.millis);
    if let Some(days) = days_due(&DAYS, left, used.told_days) {
        let (kind, english, chinese) = plan_ends(&used, until, days == 0);
        transaction.tell_administrators(tenant, kind, english, chinese);
        used.told_days = Some(days);
    }
    if left > 0 {
        transaction.set(key::plan_use(tenant), crate::record::plan_use::encode(&used));
        return Ok(());
    }
    let owner = read_tenant(transaction, tenant).await?;
    let after = PlanUse {
        plan: used.fallback.clone(),
        since: Some(until),
        until: None,
        fallback: None,
        told_days: None,
        ..used.clone()
    };
    let mut room = [None, None];
    for (name, room) in [&used.plan, &after.plan].into_iter().zip(&mut room) {
        let mut bounds = bounds(transaction, tenant, now).await?;
        bounds.plan = match name {
            Some(name) => Some(plan::need(transaction, name).await?),
            None => None,
        };
        *room = bounds.of(Limit::MailboxOctetsMax, options).max;
    }
    quota_due::spread(transaction, tenant, (room[0], room[1]), options, now);
    write_use(transaction, tenant, &after);
    let event =
        Event::new("organisation.plan-ended", &owner.name)
            .id(tenant.0)
            .changed("plan", &used.plan, &after.plan);
    transaction.record(Chain::Tenant(tenant), event);
    Ok(())
}

/// Refuses a seat when there is none left: with two who want the last, one gets it.
pub(super) async fn check_seat(transaction: &mut Change, tenant: TenantId, used: &PlanUse) -> Result<()> {
    let Some(seats) = used.seats else { return Ok(()) };
    let given = plan::count(transaction, &key::seats(tenant)).await?;
    if given >= seats {
        return Err(Error::LimitAt {
            setting: "seats",
            max: seats,
            used: given,
            level: crate::LimitLevel::Organisation,
        });
    }
    Ok(())
}
