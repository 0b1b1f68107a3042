//! Looks after the domains of all organisations: proves claims, notes what name servers say, moves and removes step by step
//! (DOM-3, DOM-8, DOM-10, DOM-12). A reconciler: it looks again and again, and whatever a node leaves half-done another
//! goes on with. The admin API's "check now" is the same look.

use std::time::Duration;

use hongyan_directory::{
    ClaimRecord, Directory, DomainCheck, DomainNews, DomainRecord, DomainWork, Error, MxElsewhere, Proved, ProvenBy,
};
use hongyan_env::{DnsError, Env};
use hongyan_types::{Domain, TenantId, Timestamp};

use crate::registry::days_reached;
use crate::{Checker, Looked, Ownership, Registries, Zone};

/// Organisations and domains read at once.
const PAGE: usize = 100;

/// How often is looked.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// Time between two rounds; claims are looked for in each.
    pub period: Duration,
    /// Time between two looks at a domain's records.
    pub domain_period: Duration,
    /// How long records have to be lost before administrators are told.
    pub lost_for: Duration,
    /// Time between two questions to a domain's registry.
    pub registry_period: Duration,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(300),
            domain_period: Duration::from_secs(3600),
            lost_for: Duration::from_secs(2 * 3600),
            registry_period: Duration::from_secs(24 * 3600),
        }
    }
}

/// What came of looking for a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is proven.
    Proved(Proved),
    /// Nothing proves it yet.
    Unproved(ClaimRecord),
    /// Name servers did not tell.
    NoAnswer(ClaimRecord, DnsError),
}

/// What name servers have to say for a claim.
#[must_use]
pub fn ownership_of(claim: &ClaimRecord) -> Ownership {
    Ownership {
        text: claim.text(),
        label: claim.label(),
    }
}

/// Looks whether a claim is proven, and if so carries on with it.
///
/// # Errors
/// The directory's.
pub async fn check_claim(directory: &Directory, checker: &Checker, claim: ClaimRecord) -> Result<Claimed, Error> {
    let (tenant, domain) = (claim.tenant, claim.domain.clone());
    match checker.proves(&domain, &ownership_of(&claim)).await {
        Ok(true) => {}
        Ok(false) => return Ok(Claimed::Unproved(claim)),
        Err(error) => return Ok(Claimed::NoAnswer(claim, error)),
    }
    if claim.takes_over.is_some_and(|at| at <= directory.now()) {
        match directory.take_over_domain(tenant, &domain).await {
            // Whoever had it has removed it meanwhile.
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Claimed::Proved(
        directory.prove_domain(tenant, &domain, ProvenBy::Dns).await?,
    ))
}

/// Looks for a domain's records, and keeps what is found.
///
/// # Errors
/// The directory's.
pub async fn check_domain(
    directory: &Directory,
    checker: &Checker,
    domain: &Domain,
) -> Result<(Looked, DomainCheck), Error> {
    let before = directory.domain_check(domain).await?;
    let looked = checker.look(domain, &zone_of(before.as_ref())).await;
    let check = judge(before, &looked, directory.now());
    directory.keep_domain_check(domain, &check, None).await?;
    Ok((looked, check))
}

/// DOM-7: once mail comes here, others may be told to trust nobody else.
#[must_use]
pub fn zone_of(check: Option<&DomainCheck>) -> Zone {
    Zone {
        spf: match check {
            Some(check) if check.receives => crate::SpfEnd::Hard,
            _ => crate::SpfEnd::Soft,
        },
        ..Zone::default()
    }
}

/// What follows from a look: no answer changes nothing.
fn judge(before: Option<DomainCheck>, looked: &Looked, now: Timestamp) -> DomainCheck {
    let had = before.as_ref().is_some_and(|before| before.receives);
    let answer = looked.receives();
    let receives = answer.unwrap_or(had);
    let (lost, told) = match (&before, receives) {
        (_, true) | (None, _) => (None, None),
        (Some(_), false) if had => (Some(now), None),
        (Some(before), false) => (before.lost, before.told),
    };
    DomainCheck {
        at: now,
        receives,
        answered: answer.is_some(),
        lost,
        told,
        wrong: looked.wrong(),
        registration: before.map(|before| before.registration).unwrap_or_default(),
    }
}

/// Notes when the registration ends, and whether administrators are to be told. A registry that cannot be asked is asked again the
/// next time; what it said before stays, and is told of.
async fn ask_registry(registries: &Registries, domain: &Domain, check: &mut DomainCheck) -> Option<DomainNews> {
    let known = &mut check.registration;
    known.asked = Some(check.at);
    match registries.end_of(domain).await {
        Ok(ends) if ends == known.ends => {}
        Ok(ends) => {
            known.ends = ends;
            known.told_days = None;
        }
        Err(error) => tracing::debug!(event = "registry_not_asked", %domain, %error),
    }
    let ends = known.ends?;
    let days = days_reached(ends, check.at)?;
    if known.told_days.is_some_and(|told| told <= days) {
        return None;
    }
    known.told_days = Some(days);
    Some(DomainNews::Ends(domain.clone(), ends))
}

/// All that the watch works with.
pub struct Watch {
    /// The clock.
    pub env: Env,
    /// Domains and claims.
    pub directory: Directory,
    /// Where records are looked for.
    pub checker: Checker,
    /// Who knows when registrations end; none asks nobody.
    pub registries: Option<Registries>,
    /// How often.
    pub options: WatchOptions,
}

impl Watch {
    /// Looks until the end of the node, while `is_mine` says that this node does: drop the future to stop.
    pub async fn run(self, is_mine: impl Fn() -> bool) {
        loop {
            if is_mine()
                && let Err(error) = self.round().await
            {
                tracing::debug!(event = "domains_not_read", %error);
            }
            self.env.sleep(self.options.period).await;
        }
    }

    /// Looks at everything once.
    ///
    /// # Errors
    /// The directory's.
    pub async fn round(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let tenants = self.directory.tenants(after, PAGE).await?;
            for tenant in &tenants {
                self.claims(tenant.id).await?;
                self.domains(tenant.id).await?;
                if tenant.mx_elsewhere != MxElsewhere::Off
                    && let Err(error) = self.directory.look_at_mx(tenant.id).await
                {
                    tracing::debug!(event = "mx_not_counted", tenant = tenant.id.0, %error);
                }
            }
            match tenants.last() {
                Some(last) if tenants.len() == PAGE => after = Some(last.id),
                _ => return Ok(()),
            }
        }
    }

    async fn claims(&self, tenant: TenantId) -> Result<(), Error> {
        let mut after = None;
        loop {
            let claims = self.directory.claims(tenant, after, PAGE).await?;
            let (count, last) = (claims.len(), claims.last().map(|claim| claim.domain.clone()));
            for claim in claims {
                if claim.takes_over.is_some() || claim.expires > self.directory.now() {
                    self.claim(claim).await;
                }
            }
            match last {
                Some(last) if count == PAGE => after = Some(last),
                _ => return Ok(()),
            }
        }
    }

    async fn claim(&self, claim: ClaimRecord) {
        let (tenant, domain) = (claim.tenant, claim.domain.clone());
        let told = match check_claim(&self.directory, &self.checker, claim).await {
            Ok(Claimed::Proved(Proved::Domain(_))) => {
                tracing::info!(event = "domain_proven", %domain);
                self.directory
                    .tell_of_domain(tenant, &DomainNews::Proven(domain.clone()))
                    .await
            }
            checked => checked.map(|_| ()),
        };
        if let Err(error) = told {
            tracing::debug!(event = "claim_not_checked", %domain, %error);
        }
    }

    async fn domains(&self, tenant: TenantId) -> Result<(), Error> {
        let mut after = None;
        loop {
            let domains = self.directory.domains(tenant, after, PAGE).await?;
            for record in &domains {
                if let Err(error) = self.domain(record).await {
                    tracing::debug!(event = "domain_not_checked", domain = %record.domain, %error);
                }
            }
            match domains.last() {
                Some(last) if domains.len() == PAGE => after = Some(last.domain.clone()),
                _ => return Ok(()),
            }
        }
    }

    async fn domain(&self, record: &DomainRecord) -> Result<(), Error> {
        self.directory.remind_of_licence(record).await?;
        let work = match self.directory.replace_trial_domain(record).await {
            Ok(true) => DomainWork::Move,
            Ok(false) => self.directory.work_on(record),
            // Somebody has to decide whose address that is; until then both domains go on.
            Err(Error::Exists { .. }) => DomainWork::None,
            Err(error) => return Err(error),
        };
        while work != DomainWork::None && self.directory.step_domain(&record.domain, work).await? {}
        if record.removal.is_some() {
            return Ok(());
        }
        let before = self.directory.domain_check(&record.domain).await?;
        let is_over = |since: Timestamp, span: Duration| {
            let passed = self.directory.now().millis.saturating_sub(since.millis);
            passed >= i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
        };
        if before.is_some_and(|before| !is_over(before.at, self.options.domain_period)) {
            return Ok(());
        }
        let (_, mut check) = check_domain(&self.directory, &self.checker, &record.domain).await?;
        let is_due = check.lost.is_some_and(|lost| is_over(lost, self.options.lost_for));
        if is_due && check.told.is_none() {
            check.told = Some(check.at);
            let news = DomainNews::Lost(record.domain.clone(), check.wrong.clone());
            self.directory
                .keep_domain_check(&record.domain, &check, Some(&news))
                .await?;
        }
        let is_due = |asked| is_over(asked, self.options.registry_period);
        if check.registration.asked.is_none_or(is_due)
            && let Some(registries) = &self.registries
        {
            let news = ask_registry(registries, &record.domain, &mut check).await;
            self.directory
                .keep_domain_check(&record.domain, &check, news.as_ref())
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "watch_test.rs"]
mod tests;
