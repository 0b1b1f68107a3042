//! Plans: made, changed and removed by the operator; and what one means for a tenant.

use hongyan_audit::{Chain, Event};
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{TenantId, Timestamp};

use super::{Page, clean_name, folded_name, list, quota_due, read_tenant};
use crate::limit::{check_values, in_force};
use crate::record::change::Touched;
use crate::record::feed::Subject;
use crate::record::plan_use::PlanUse;
use crate::record::{plan, plan_use};
use crate::{
    Change, DirectoryOptions, Error, Feature, InForce, Limit, LimitLevel, PlanChange, PlanRecord, Result, TenantRecord,
    etag, key,
};

/// Most characters of a plan's name.
const NAME_CHARACTERS_MAX: usize = 64;

/// What bounds a tenant at a moment.
pub(crate) struct Bounds {
    pub(crate) owner: TenantRecord,
    pub(crate) used: PlanUse,
    /// The plan in force; none has everything.
    pub(crate) plan: Option<PlanRecord>,
}

impl Bounds {
    pub(crate) fn of(&self, limit: Limit, options: &DirectoryOptions) -> InForce {
        in_force(limit, options, self.plan.as_ref(), &self.used, &self.owner)
    }
    /// Refuses what the plan leaves out (GEN-2).
    pub(crate) fn need(&self, feature: Feature) -> Result<()> {
        match &self.plan {
            Some(plan) if plan.without.contains(&feature) => Err(Error::NotInPlan {
                feature: feature.label(),
                plan: plan.name.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// What bounds a tenant, to be remembered: the plan that follows is part of it, as that begins by itself.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) owner: TenantRecord,
    pub(crate) used: PlanUse,
    plan: Option<PlanRecord>,
    fallback: Option<PlanRecord>,
}

impl Terms {
    /// The plan in force at `now`; none has everything.
    pub(crate) fn plan_at(&self, now: Timestamp) -> Option<&PlanRecord> {
        let name = self.used.plan_at(now)?;
        [&self.plan, &self.fallback]
            .into_iter()
            .flatten()
            .find(|plan| plan.name == name)
    }
}

pub(crate) async fn terms(transaction: &mut Transaction, tenant: TenantId) -> Result<Option<Terms>> {
    let owner = match read_tenant(transaction, tenant).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        owner => owner?,
    };
    let used = read_use(transaction, tenant).await?;
    let mut plans = [None, None];
    for (name, plan) in [&used.plan, &used.fallback].into_iter().zip(&mut plans) {
        if let Some(name) = name {
            *plan = Some(need(transaction, name).await?);
        }
    }
    let [plan, fallback] = plans;
    Ok(Some(Terms {
        owner,
        used,
        plan,
        fallback,
    }))
}

/// What bounds a tenant now.
pub(crate) async fn bounds(transaction: &mut Transaction, tenant: TenantId, now: Timestamp) -> Result<Bounds> {
    let owner = read_tenant(transaction, tenant).await?;
    bounds_of(transaction, owner, now).await
}

pub(crate) async fn bounds_of(transaction: &mut Transaction, owner: TenantRecord, now: Timestamp) -> Result<Bounds> {
    let used = read_use(transaction, owner.id).await?;
    let plan = match used.plan_at(now) {
        Some(name) => Some(need(transaction, name).await?),
        None => None,
    };
    Ok(Bounds { owner, used, plan })
}

pub(crate) async fn read_use(transaction: &mut Transaction, tenant: TenantId) -> Result<PlanUse> {
    let stored = transaction.get(&key::plan_use(tenant)).await?;
    let used = stored.map(|stored| plan_use::decode(&stored)).transpose()?;
    Ok(used.unwrap_or_default())
}

pub(super) fn write_use(transaction: &mut Change, tenant: TenantId, used: &PlanUse) {
    transaction.set(key::plan_use(tenant), plan_use::encode(used));
    transaction.touch(Touched::TenantCounts(tenant));
    transaction.tell(tenant, Subject::Tenant);
}

pub(crate) async fn need(transaction: &mut Transaction, name: &str) -> Result<PlanRecord> {
    let stored = transaction.get(&key::plan(&folded_name(name))).await?;
    let stored = stored.ok_or_else(|| Error::not_found("plan", name))?;
    Ok(plan::decode(&stored)?)
}

pub(crate) async fn create(
    transaction: &mut Change,
    name: &str,
    change: &PlanChange,
    now: Timestamp,
) -> Result<PlanRecord> {
    let name = clean_name(name, NAME_CHARACTERS_MAX)?;
    let key = key::plan(&folded_name(&name));
    if transaction.get(&key).await?.is_some() {
        return Err(Error::exists("plan", name));
    }
    let mut plan = PlanRecord {
        name,
        created: now,
        without: std::collections::BTreeSet::new(),
        limits: crate::Limits::new(),
    };
    apply(&mut plan, change)?;
    transaction.set(key, plan::encode(&plan));
    transaction.record(Chain::Installation, told("plan.create", &plan));
    Ok(plan)
}

pub(crate) async fn change(
    transaction: &mut Change,
    name: &str,
    change: &PlanChange,
    options: &DirectoryOptions,
    now: Timestamp,
) -> Result<PlanRecord> {
    let mut plan = need(transaction, name).await?;
    etag::check(change.expect, plan.etag(), "plan", &plan.name)?;
    let before = plan.limits.get(&Limit::MailboxOctetsMax).copied();
    apply(&mut plan, change)?;
    let after = plan.limits.get(&Limit::MailboxOctetsMax).copied();
    for (tenant, used) in uses(transaction).await? {
        let names = [used.plan.as_deref(), used.fallback.as_deref()];
        if names.contains(&Some(plan.name.as_str())) {
            // What is remembered of it has the plan in it.
            transaction.touch(Touched::TenantCounts(tenant));
        }
        if before != after && used.plan_at(now) == Some(&plan.name) {
            quota_due::spread(transaction, tenant, (before, after), options, now);
        }
    }
    transaction.set(key::plan(&folded_name(name)), plan::encode(&plan));
    transaction.record(Chain::Installation, told("plan.change", &plan));
    Ok(plan)
}

fn apply(plan: &mut PlanRecord, change: &PlanChange) -> Result<()> {
    change.without.clone().apply(&mut plan.without);
    for (limit, value) in &change.limits {
        match value {
            Some(value) => drop(plan.limits.insert(*limit, *value)),
            None => drop(plan.limits.remove(limit)),
        }
    }
    check_values(&plan.limits)
}

fn told(action: &'static str, plan: &PlanRecord) -> Event {
    let mut event = Event::new(action, &plan.name);
    for feature in &plan.without {
        event = event.with("without", feature.label());
    }
    plan.limits
        .iter()
        .fold(event, |event, (limit, value)| event.with(limit.name(), value))
}

/// Removes a plan that no organisation has or falls back to.
pub(crate) async fn delete(transaction: &mut Change, name: &str) -> Result<()> {
    let plan = need(transaction, name).await?;
    let folded = folded_name(name);
    for (tenant, used) in uses(transaction).await? {
        let names = [&used.plan, &used.fallback].into_iter().flatten();
        if names.into_iter().any(|name| folded_name(name) == folded) {
            let owner = read_tenant(transaction, tenant).await?;
            return Err(Error::InUse {
                what: "plan",
                name: plan.name,
                by: format!("the organisation {} has it", owner.name),
            });
        }
    }
    transaction.clear(&key::plan(&folded));
    transaction.record(Chain::Installation, Event::new("plan.delete", &plan.name));
    Ok(())
}

/// What all organisations have of plans.
async fn uses(transaction: &mut Transaction) -> Result<Vec<(TenantId, PlanUse)>> {
    let prefix = key::plan_uses();
    let mut uses = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let tenant = TenantId(super::last_int(&prefix, &pair.key)?);
        uses.push((tenant, plan_use::decode(&pair.value)?));
    }
    Ok(uses)
}

/// Plans by name.
pub(crate) async fn all(transaction: &mut Transaction, asked: &Page<String>) -> Result<Vec<PlanRecord>> {
    let prefix = key::plans();
    let after = asked
        .after
        .as_ref()
        .map(|name| prefix.clone().string(&folded_name(name)));
    let pairs = list::page(transaction, &prefix, after, asked.limit).await?;
    pairs.iter().map(|pair| Ok(plan::decode(&pair.value)?)).collect()
}

/// How many keys there are below a prefix.
/// How many shared mailboxes a tenant may have, and how many it has: those of its plan, and one more for each advanced seat that
/// nobody has, where seats are counted (SBX-5).
pub(crate) async fn shared_mailboxes(
    transaction: &mut Transaction,
    bounds: &Bounds,
    options: &DirectoryOptions,
) -> Result<(InForce, u64)> {
    let tenant = bounds.owner.id;
    let present = count(transaction, &key::shared_mailboxes(tenant)).await?;
    let mut in_force = bounds.of(Limit::SharedMailboxesPerTenantMax, options);
    if let (LimitLevel::Plan, Some(max), Some(seats)) = (in_force.level, in_force.max, bounds.used.seats) {
        let given = count(transaction, &key::seats(tenant)).await?;
        in_force.max = Some(max.saturating_add(seats.saturating_sub(given)));
    }
    Ok((in_force, present))
}

pub(crate) async fn count(transaction: &mut Transaction, prefix: &hongyan_kv::tuple::Tuple) -> Result<u64> {
    let query = RangeQuery {
        mode: ReadMode::Serializable,
        ..RangeQuery::all(prefix.range())
    };
    Ok(transaction.get_range_all(query).await?.len() as u64)
}
