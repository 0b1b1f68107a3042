//! Plans, seats and limits: what organisations may have (PLAN, GEN-5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::limit::in_force;
use crate::transaction::{self as tx, Page};
use crate::{
    AccountLimits, AccountRecord, Directory, Etag, Feature, Field, InForce, Limit, PlanRecord, PlanUse, Result,
    TenantRecord, key,
};

/// What a plan is made of or changed to.
#[derive(Debug, Clone, Default)]
pub struct PlanChange {
    /// What it leaves out.
    pub without: Field<BTreeSet<Feature>>,
    /// Limits; none takes one away.
    pub limits: BTreeMap<Limit, Option<u64>>,
    /// What the plan was when the change was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// A plan for an organisation.
#[derive(Debug, Clone, Default)]
pub struct PlanAssignment {
    /// Its name; none has everything.
    pub plan: Option<String>,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// The plan that follows then; none has everything.
    pub fallback: Option<String>,
    /// Advanced seats; none is as many as are wanted.
    pub seats: Option<u64>,
    /// Even when something is affected.
    pub confirmed: bool,
    /// What it was when this was thought of; `None` for whatever it is.
    pub expect: Option<Etag>,
}

/// Limits of one organisation.
#[derive(Debug, Clone, Default)]
pub struct LimitsChange {
    /// Limits; none takes one away.
    pub limits: BTreeMap<Limit, Option<u64>>,
    /// Whether the operator sets them, who may also widen.
    pub by_operator: bool,
    /// What they were when this was thought of; `None` for whatever they are.
    pub expect: Option<Etag>,
}

/// What another plan would touch. Nothing is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Affected {
    /// Functions that end.
    pub features: Vec<Feature>,
    /// Of what there is more than allowed: the limit, its value, present use.
    pub above: Vec<(Limit, u64, u64)>,
    /// Limits of each account that get tighter.
    pub tighter: Vec<(Limit, u64)>,
    /// Seats given beyond those that are left.
    pub seats_above: u64,
}

impl Affected {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = self.features.iter().map(|feature| format!("{} ends", feature.label()));
        let above = self.above.iter().map(|(limit, max, used)| {
            let name = limit.name();
            format!("{name} would be {max} and {used} are in use")
        });
        let tighter = self
            .tighter
            .iter()
            .map(|(limit, max)| format!("{} would be {max}", limit.name()));
        let seats = (self.seats_above > 0).then(|| format!("{} seats more are given", self.seats_above));
        let all: Vec<String> = features.chain(above).chain(tighter).chain(seats).collect();
        f.write_str(&all.join("; "))
    }
}

/// Mailboxes that have to be told their room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaDue {
    pub(crate) key: Bytes,
    /// Whose.
    pub tenant: TenantId,
    /// Which; none is all of the tenant.
    pub account: Option<AccountId>,
    /// The last of all that was told.
    pub after: AccountId,
}

/// What holds for an organisation now.
#[derive(Debug, Clone)]
pub struct Service {
    /// What was assigned.
    pub used: PlanUse,
    /// The plan in force; none has everything.
    pub plan: Option<PlanRecord>,
    /// The organisation.
    pub tenant: TenantRecord,
    /// Every limit, with present use where that is one number.
    pub limits: Vec<(InForce, Option<u64>)>,
    /// Advanced seats that are given.
    pub seats_used: u64,
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Makes a plan. `Exists`, `Invalid`.
    pub async fn create_plan(&self, name: &str, change: &PlanChange) -> Result<PlanRecord> {
        let (name, change, now) = (name.to_owned(), change.clone(), self.now());
        self.change(async move |t| tx::plan::create(t, &name, &change, now).await)
            .await
    }
    /// Changes a plan, for all who have it. `NotFound`, `Changed`, `Invalid`.
    pub async fn change_plan(&self, name: &str, change: &PlanChange) -> Result<PlanRecord> {
        let (name, change) = (name.to_owned(), change.clone());
        let (now, this) = (self.now(), self.clone());
        self.change(async move |t| tx::plan::change(t, &name, &change, this.options(), now).await)
            .await
    }
    /// Removes a plan that nobody has. `NotFound`, `InUse`.
    pub async fn delete_plan(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.change(async move |t| tx::plan::delete(t, &name).await).await
    }
    /// The plan of that name. `NotFound`.
    pub async fn plan(&self, name: &str) -> Result<PlanRecord> {
        let name = name.to_owned();
        self.read(async move |t| tx::plan::need(t, &name).await).await
    }
    /// Plans by name, after `after`, at most `limit`.
    pub async fn plans(&self, after: Option<String>, limit: usize) -> Result<Vec<PlanRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::plan::all(t, &page).await).await
    }
    /// What an assignment would affect. `NotFound`, `Changed`, `Invalid`.
    pub async fn preview_plan(&self, tenant: TenantId, asked: &PlanAssignment) -> Result<Affected> {
        let (asked, now, this) = (asked.clone(), self.now(), self.clone());
        self.read(async move |t| tx::assign_plan::preview(t, tenant, &asked, this.options(), now).await)
            .await
    }
    /// Gives an organisation a plan. `NotFound`, `Changed`, `Invalid`, `InUse` for what is affected and not confirmed.
    pub async fn assign_plan(&self, tenant: TenantId, asked: &PlanAssignment) -> Result<PlanUse> {
        let (asked, now, this) = (asked.clone(), self.now(), self.clone());
        self.change(async move |t| tx::assign_plan::run(t, tenant, &asked, this.options(), now).await)
            .await
    }
    /// Sets limits of an organisation. `NotFound`, `Changed`, `Invalid`, `Refused` for the operator's, `LimitAt` and `Limit`
    /// for what would widen.
    pub async fn set_limits(&self, tenant: TenantId, change: &LimitsChange) -> Result<PlanUse> {
        let (change, now, this) = (change.clone(), self.now(), self.clone());
        self.change(async move |t| tx::assign_plan::set_limits(t, tenant, &change, this.options(), now).await)
            .await
    }
    /// Refuses what an organisation's plan leaves out. `NotFound`, `NotInPlan`.
    pub async fn need_feature(&self, tenant: TenantId, feature: Feature) -> Result<()> {
        let now = self.now();
        self.read(async move |t| tx::plan::bounds(t, tenant, now).await?.need(feature))
            .await
    }
    /// What an organisation has. `NotFound`.
    pub async fn service(&self, tenant: TenantId) -> Result<Service> {
        let (now, this) = (self.now(), self.clone());
        self.read(async move |t| {
            let bounds = tx::plan::bounds(t, tenant, now).await?;
            let (shared_max, shared) = tx::plan::shared_mailboxes(t, &bounds, this.options()).await?;
            let tokens = tx::plan::count(t, &key::tenant_tokens(Some(tenant))).await?;
            let counts = bounds.owner.counts;
            let used = |limit: Limit| match limit {
                Limit::AccountsPerTenantMax => Some(counts.accounts),
                Limit::DomainsPerTenantMax => Some(counts.domains),
                Limit::GroupsPerTenantMax => Some(counts.groups),
                Limit::SharedMailboxesPerTenantMax => Some(shared),
                Limit::TokensPerTenantMax => Some(tokens),
                _ => None,
            };
            let limits = Limit::ALL.into_iter();
            let in_force = |limit| match limit {
                Limit::SharedMailboxesPerTenantMax => shared_max,
                limit => bounds.of(limit, this.options()),
            };
            let limits = limits.map(|limit| (in_force(limit), used(limit)));
            Ok(Service {
                limits: limits.collect(),
                seats_used: tx::plan::count(t, &key::seats(tenant)).await?,
                used: bounds.used,
                plan: bounds.plan,
                tenant: bounds.owner,
            })
        })
        .await
    }
    /// What holds for an account now, by what is remembered of its organisation.
    pub async fn limits_of(&self, account: &AccountRecord) -> Result<AccountLimits> {
        let of_tenant = self.limits_in(account.tenant).await?;
        Ok(AccountLimits::new(of_tenant, account.limits.clone()))
    }
    /// What holds for each account of an organisation that has no limits of its own.
    pub async fn limits_in(&self, tenant: TenantId) -> Result<Vec<InForce>> {
        let Some(terms) = self.lookup().terms(tenant).await? else {
            return Ok(Vec::new());
        };
        let (plan, options) = (terms.plan_at(self.now()), self.options());
        let limits = Limit::ALL.into_iter();
        Ok(limits
            .map(|limit| in_force(limit, options, plan, &terms.used, &terms.owner))
            .collect())
    }
    /// Those with an advanced seat, by account, after `after`, at most `limit`.
    pub async fn seats(&self, tenant: TenantId, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::list::seats(t, tenant, page).await).await
    }
    /// Organisations that have a plan or limits of their own, after `after`, at most `limit`.
    pub async fn tenants_with_plan(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantId>> {
        self.read(async move |t| {
            let prefix = key::plan_uses();
            let after = after.map(|tenant| prefix.clone().int(tenant.0));
            let pairs = tx::list::page(t, &prefix, after, limit).await?;
            let tenant = |pair: &hongyan_kv::KeyValue| Ok(TenantId(tx::last_int(&prefix, &pair.key)?));
            pairs.iter().map(tenant).collect()
        })
        .await
    }
    /// Mailboxes that have to be told their room by now.
    pub async fn due_for_quota(&self, limit: usize) -> Result<Vec<QuotaDue>> {
        let now = self.now();
        self.read(async move |t| tx::quota_due::due(t, now, limit).await).await
    }
    /// They were told, up to `last`; none: all.
    pub async fn quota_told(&self, due: &QuotaDue, last: Option<AccountId>) -> Result<()> {
        let due = due.clone();
        self.change(async move |t| {
            tx::quota_due::done(t, &due, last);
            Ok(())
        })
        .await
    }
    /// Looks whether a plan ends: tells administrators before that, and falls back then.
    pub async fn look_at_plan(&self, tenant: TenantId) -> Result<()> {
        let now = self.now();
        let used = self.read(async move |t| tx::plan::read_use(t, tenant).await).await?;
        if used.until.is_none() {
            return Ok(());
        }
        let this = self.clone();
        self.change(async move |t| tx::assign_plan::look(t, tenant, this.options(), now).await)
            .await
    }
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
