//! Domains: claimed and proven, given by the operator, named twice, moved and removed.

use std::sync::Arc;

use hongyan_notice::{Notice, Recipient};
use hongyan_types::{AccountId, Domain, TenantId, Timestamp};

use crate::record::domain_check;
use crate::record::feed::Subject;
use crate::transaction::{self as tx, Page};
use crate::{ClaimRecord, Directory, DomainCheck, DomainNews, DomainRecord, Error, Field, Result, key};

use hongyan_audit::{Chain, Event};

/// Domains looked at in one read.
pub(crate) const OWN_DOMAINS_AT_ONCE: usize = 100;
/// Octets of randomness in what name servers have to say.
const TOKEN_OCTETS: usize = 15;
/// How the text of that begins.
const TOKEN_PREFIX: &str = "hongyan-verification=";

/// What became of a claim that was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proved {
    /// The domain is theirs.
    Domain(DomainRecord),
    /// Another tenant has it; it goes over when the claim says.
    Waits {
        /// The claim.
        claim: ClaimRecord,
        /// Who has the domain.
        other: TenantId,
    },
}

/// What proves a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvenBy {
    /// The domain's name servers.
    Dns,
    /// The operator's word.
    Operator,
}

/// Changes of a domain.
#[derive(Debug, Clone, Default)]
pub struct DomainChange {
    /// Who gets mail for addresses that nobody has.
    pub catch_all: Field<Option<AccountId>>,
    /// The domain that it is another name of.
    pub alias_of: Field<Option<Domain>>,
    /// What registers its host names with an authority (DOM-13).
    pub licence: Field<String>,
    /// When administrators are reminded of that.
    pub licence_reminder: Field<Option<Timestamp>>,
}

/// What is in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DomainUse {
    /// Members and shared mailboxes that have no other address: they go with it.
    pub members_gone: u64,
    /// Those with another address, which becomes their main one.
    pub members_kept: u64,
    /// Further addresses of members.
    pub aliases: u64,
    /// Groups.
    pub groups: u64,
    /// Mailboxes in the recycle bin.
    pub recycled: u64,
    /// There are more than were counted.
    pub more: bool,
}

/// What is left to be done with a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainWork {
    /// Nothing.
    None,
    /// Its addresses are moving to another.
    Move,
    /// It goes.
    Remove,
}

impl ClaimRecord {
    /// The text that a TXT record has to have (DOM-4).
    #[must_use]
    pub fn text(&self) -> String {
        format!("{TOKEN_PREFIX}{}", self.token)
    }
    /// The label whose CNAME record proves as much.
    #[must_use]
    pub fn label(&self) -> String {
        format!("hongyan-{}", self.token)
    }
}

/// The domains of a tenant by name, as many at a time as one read looks at.
struct DomainPages<'d> {
    directory: &'d Directory,
    tenant: TenantId,
    after: Option<Domain>,
    is_over: bool,
}

impl DomainPages<'_> {
    /// The next of them; none when all were given.
    async fn next(&mut self) -> Result<Option<Vec<DomainRecord>>> {
        if self.is_over {
            return Ok(None);
        }
        let after = self.after.take();
        let domains = self.directory.domains(self.tenant, after, OWN_DOMAINS_AT_ONCE).await?;
        self.is_over = domains.len() < OWN_DOMAINS_AT_ONCE;
        self.after = domains.last().map(|record| record.domain.clone());
        Ok(Some(domains))
    }
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Gives a domain to a tenant, by the operator's word. `NotFound`, `Exists`, `Limit`, `Invalid` for what nobody has.
    pub async fn create_domain(&self, tenant: TenantId, domain: &Domain) -> Result<DomainRecord> {
        let (domain, now, this) = (domain.clone(), self.now(), self.clone());
        self.change(async move |t| tx::create_domain::run(t, tenant, &domain, this.options(), now).await)
            .await
    }
    /// Notes that a tenant says a domain is its own. `NotFound`, `Exists`, `Limit`, `Invalid` for what nobody has.
    pub async fn claim_domain(&self, tenant: TenantId, domain: &Domain) -> Result<ClaimRecord> {
        let mut octets = [0; TOKEN_OCTETS];
        self.env().fill_random(&mut octets);
        let token: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let (domain, now, this) = (domain.clone(), self.now(), self.clone());
        self.change(async move |t| tx::claim_domain::run(t, tenant, &domain, &token, this.options(), now).await)
            .await
    }
    /// A tenant's claim to a domain.
    pub async fn claim(&self, tenant: TenantId, domain: &Domain) -> Result<Option<ClaimRecord>> {
        let domain = domain.clone();
        self.read(async move |t| tx::claim_domain::find(t, &domain, tenant).await)
            .await
    }
    /// Claims of a tenant by name, after `after`, at most `limit`.
    pub async fn claims(&self, tenant: TenantId, after: Option<Domain>, limit: usize) -> Result<Vec<ClaimRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::claim_domain::of_tenant(t, tenant, &page).await)
            .await
    }
    /// Claims of all tenants to a domain.
    pub async fn claims_to(&self, domain: &Domain) -> Result<Vec<ClaimRecord>> {
        let domain = domain.clone();
        self.read(async move |t| tx::claim_domain::to(t, &domain).await).await
    }
    /// A claim is true, by what `by` says. `NotFound`, `Limit`.
    pub async fn prove_domain(&self, tenant: TenantId, domain: &Domain, by: ProvenBy) -> Result<Proved> {
        let (domain, now, this) = (domain.clone(), self.now(), self.clone());
        let lost = tx::claim_domain::after(now, this.options().domain_contest);
        let told = DomainNews::Contested(domain.clone(), lost).notice(self.env(), tenant);
        self.change(async move |t| tx::claim_domain::prove(t, tenant, &domain, by, &told, lost, now).await)
            .await
    }
    /// Whoever else has a claimed domain loses it now. `NotFound`, `Refused` before its time.
    pub async fn take_over_domain(&self, tenant: TenantId, domain: &Domain) -> Result<()> {
        let (domain, now) = (domain.clone(), self.now());
        self.change(async move |t| tx::claim_domain::take_over(t, tenant, &domain, now).await)
            .await
    }
    /// Looks for a claim that had expired once more. `NotFound`.
    pub async fn renew_claim(&self, tenant: TenantId, domain: &Domain) -> Result<ClaimRecord> {
        let (domain, now, this) = (domain.clone(), self.now(), self.clone());
        self.change(async move |t| tx::claim_domain::renew(t, tenant, &domain, this.options(), now).await)
            .await
    }
    /// Gives a claim up. `NotFound`.
    pub async fn drop_claim(&self, tenant: TenantId, domain: &Domain) -> Result<()> {
        let domain = domain.clone();
        self.change(async move |t| tx::claim_domain::drop(t, tenant, &domain).await)
            .await
    }

    /// Changes a domain. `NotFound`, `Invalid`, `InUse` and `Refused` for what cannot be another name.
    pub async fn change_domain(&self, domain: &Domain, change: &DomainChange) -> Result<DomainRecord> {
        let (domain, change) = (domain.clone(), change.clone());
        self.change(async move |t| tx::set_domain::run(t, &domain, &change).await)
            .await
    }
    /// Sets or removes who gets mail for addresses of the domain that nobody has. `NotFound`, `Invalid`.
    pub async fn set_catch_all(&self, domain: &Domain, account: Option<AccountId>) -> Result<DomainRecord> {
        let change = DomainChange {
            catch_all: Field::Set(account),
            ..DomainChange::default()
        };
        self.change_domain(domain, &change).await
    }
    /// Begins to replace a lent domain by the first of the tenant's own that mail comes to: addresses move, and the lent one goes on as
    /// another name (DOM-1). Whether it has begun. `Exists` for addresses that are in both.
    pub async fn replace_trial_domain(&self, record: &DomainRecord) -> Result<bool> {
        if !record.trial || record.is_special() {
            return Ok(false);
        }
        let mut pages = self.domain_pages(record.tenant);
        while let Some(domains) = pages.next().await? {
            for own in domains.iter().filter(|own| !own.trial && !own.is_special()) {
                let check = self.domain_check(&own.domain).await?;
                if check.is_some_and(|check| check.receives) {
                    self.move_domain(&record.domain, &own.domain).await?;
                    let news = DomainNews::Replaced(record.domain.clone(), own.domain.clone());
                    self.tell_of_domain(record.tenant, &news).await?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
    /// Reminds administrators of what is to be done about a domain's licence, once, when it is time (DOM-13). `NotFound`.
    pub async fn remind_of_licence(&self, record: &DomainRecord) -> Result<()> {
        let now = self.now();
        if !record.wants_reminder(now) {
            return Ok(());
        }
        let news = DomainNews::Licence(record.domain.clone(), record.licence.clone());
        let (domain, notice) = (record.domain.clone(), news.notice(self.env(), record.tenant));
        self.change(async move |t| tx::set_domain::remind(t, &domain, &notice, now).await)
            .await
    }
    /// Removes a domain that has no addresses any more. `NotFound`, `InUse`.
    pub async fn delete_domain(&self, domain: &Domain) -> Result<()> {
        let domain = domain.clone();
        self.change(async move |t| tx::delete_domain::run(t, &domain).await)
            .await
    }
    /// The domain. `NotFound`.
    pub async fn domain(&self, domain: &Domain) -> Result<Arc<DomainRecord>> {
        let found = self.lookup().domain(domain).await?;
        found.ok_or_else(|| Error::not_found("domain", domain))
    }
    /// Domains of a tenant by name, after `after`, at most `limit`.
    pub async fn domains(&self, tenant: TenantId, after: Option<Domain>, limit: usize) -> Result<Vec<DomainRecord>> {
        let page = Page { after, limit };
        self.read(async move |t| tx::list::domains(t, tenant, &page).await)
            .await
    }
    fn domain_pages(&self, tenant: TenantId) -> DomainPages<'_> {
        DomainPages {
            directory: self,
            tenant,
            after: None,
            is_over: false,
        }
    }

    /// Where a tenant's new addresses are made when no domain is said: in the one set, else in the only one in which
    /// addresses are made (DOM-9).
    pub async fn default_domain(&self, tenant: TenantId) -> Result<Option<Domain>> {
        if let Some(set) = self.tenant(tenant).await?.default_domain.clone() {
            return Ok(Some(set));
        }
        let (mut only, mut pages) = (None, self.domain_pages(tenant));
        while let Some(domains) = pages.next().await? {
            for home in domains.into_iter().filter(DomainRecord::is_home) {
                if only.replace(home.domain).is_some() {
                    return Ok(None);
                }
            }
        }
        Ok(only)
    }
    /// What is in a domain, as far as one step looks.
    pub async fn domain_use(&self, domain: &Domain) -> Result<DomainUse> {
        let (domain, addresses_max) = (domain.clone(), self.options().domain_move_into_max);
        self.read(async move |t| tx::remove_domain::uses(t, &domain, addresses_max).await)
            .await
    }
    /// Begins to remove a domain and all that is in it. `NotFound`, `InUse` for the last one, `Refused` while it moves.
    pub async fn remove_domain(&self, domain: &Domain) -> Result<DomainRecord> {
        let (domain, now, this) = (domain.clone(), self.now(), self.clone());
        self.change(async move |t| tx::remove_domain::begin(t, &domain, this.options(), now).await)
            .await
    }
    /// Undoes that. `NotFound`, `Refused` when it is too late.
    pub async fn keep_domain(&self, domain: &Domain) -> Result<DomainRecord> {
        let (domain, now) = (domain.clone(), self.now());
        self.change(async move |t| tx::remove_domain::undo(t, &domain, now).await)
            .await
    }
    /// Begins to move all addresses of a domain to another. `NotFound`, `Exists` for an address that both have, `Refused`,
    /// `Limit`.
    pub async fn move_domain(&self, from: &Domain, to: &Domain) -> Result<DomainRecord> {
        let (from, to, this) = (from.clone(), to.clone(), self.clone());
        self.change(async move |t| tx::move_domain::begin(t, &from, &to, this.options()).await)
            .await
    }
    /// What is to be done with a domain now.
    #[must_use]
    pub fn work_on(&self, domain: &DomainRecord) -> DomainWork {
        match domain {
            _ if domain.removal.is_some_and(|at| at <= self.now()) => DomainWork::Remove,
            _ if domain.moving => DomainWork::Move,
            _ => DomainWork::None,
        }
    }
    /// Does some of it; whether it is worth going on at once.
    pub async fn step_domain(&self, domain: &Domain, work: DomainWork) -> Result<bool> {
        let (domain, now, this) = (domain.clone(), self.now(), self.clone());
        self.change(async move |t| match work {
            DomainWork::None => Ok(false),
            DomainWork::Move => tx::move_domain::step(t, &domain, this.options()).await,
            DomainWork::Remove => tx::remove_domain::step(t, &domain, this.options(), now).await,
        })
        .await
    }

    /// What name servers said last of a domain.
    pub async fn domain_check(&self, domain: &Domain) -> Result<Option<DomainCheck>> {
        let key = key::domain_check(domain);
        self.read(async move |t| {
            let stored = t.get_snapshot(&key).await?;
            Ok(stored.map(|stored| domain_check::decode(&stored)).transpose()?)
        })
        .await
    }
    /// Keeps what name servers say of a domain now, and notes when that came or went; its administrators get the `news`.
    pub async fn keep_domain_check(
        &self,
        domain: &Domain,
        check: &DomainCheck,
        news: Option<&DomainNews>,
    ) -> Result<()> {
        let (domain, check) = (domain.clone(), check.clone());
        let notice = news.map(|news| news.notice(self.env(), TenantId(0)));
        self.change(async move |t| {
            let Some(stored) = t.get(&key::domain(&domain)).await? else {
                return Ok(());
            };
            let tenant = crate::record::domain::decode(domain.clone(), &stored)?.tenant;
            let before = t.get(&key::domain_check(&domain)).await?;
            let before = before.map(|stored| domain_check::decode(&stored)).transpose()?;
            t.set(key::domain_check(&domain), domain_check::encode(&check));
            if let Some(notice) = &notice {
                t.send(&Notice {
                    to: Recipient::Administrators(tenant),
                    ..notice.clone()
                });
            }
            if before.as_ref().is_some_and(|before| before.receives) != check.receives {
                let action = if check.receives {
                    "domain.dns-right"
                } else {
                    "domain.dns-lost"
                };
                t.record(Chain::Tenant(tenant), Event::new(action, &domain));
                t.tell(tenant, Subject::Domain(domain.clone()));
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
#[path = "domain_test.rs"]
mod tests;
