//! The handle: asks an organisation's directory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hongyan_access::Access;
use hongyan_directory::{AccountKind, AccountRecord, DepartmentId, Directory, MemberQuery};
use hongyan_env::{Env, Stream};
use hongyan_fetch::Fetcher;
use hongyan_kv::Database;
use hongyan_ldap_wire::Name;
use hongyan_sasl::Secret;
use hongyan_types::{Domain, TenantId};
use tokio::sync::Semaphore;
use tokio_rustls::client::TlsStream;

use crate::client::{Connection, Found, Query};
use crate::compare::{self, Present};
use crate::person::Person;
use crate::{Action, LdapError, LdapOptions, LdapSettings, Planned};

/// Domains of an organisation that are looked at.
const DOMAINS_MAX: usize = 10_000;
/// People that a check shows.
const SAMPLES_MAX: usize = 5;

/// A directory over TLS.
pub(crate) type Secured<'o> = Connection<'o, TlsStream<Stream>>;

/// Outside directories; clones share it.
#[derive(Clone)]
pub struct Ldap(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) database: Database,
    pub(crate) directory: Directory,
    pub(crate) access: Access,
    pub(crate) fetcher: Fetcher,
    pub(crate) options: LdapOptions,
    /// Binds that may prove passwords at the same time.
    pub(crate) binding: Semaphore,
}

/// What a synchronisation is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Each person, and each member who is gone.
    pub entries: Vec<Planned>,
    /// Members who came from there and are at work.
    pub linked: usize,
    /// Those of them who are gone.
    pub gone: usize,
    /// How many of them may be, in percent.
    pub disable_percent_max: u8,
}

impl Plan {
    /// Why it is not to be carried out, if it is not: too many would be disabled.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let Self {
            linked,
            gone,
            disable_percent_max,
            ..
        } = self;
        compare::exceeds(*gone, *linked, *disable_percent_max).then(|| {
            format!("disable_percent_max is {disable_percent_max}, and {gone} of {linked} members would be disabled")
        })
    }
}

/// What a look at a directory has shown.
#[derive(Debug, Clone)]
pub struct Checked {
    /// People on the first page.
    pub entries: usize,
    /// Whether there are more.
    pub more: bool,
    /// What would become of the first of them.
    pub samples: Vec<Planned>,
}

/// The members of an organisation, as they are compared.
struct Members {
    members: Vec<Arc<AccountRecord>>,
    departments: BTreeMap<DepartmentId, Vec<String>>,
    domains: BTreeSet<Domain>,
}

impl Ldap {
    /// Over the store, the directory and sign-in of this node.
    #[must_use]
    pub fn new(
        env: Env,
        database: Database,
        directory: Directory,
        access: Access,
        fetcher: Fetcher,
        options: LdapOptions,
    ) -> Self {
        Self(Arc::new(Inner {
            binding: Semaphore::new(options.binds_max),
            env,
            database,
            directory,
            access,
            fetcher,
            options,
        }))
    }

    /// The limits in force.
    #[must_use]
    pub fn options(&self) -> &LdapOptions {
        &self.0.options
    }

    pub(crate) async fn in_time<T>(
        &self,
        within: Duration,
        work: impl Future<Output = Result<T, LdapError>>,
    ) -> Result<T, LdapError> {
        let done = self.0.env.timeout(within, work).await;
        done.unwrap_or(Err(LdapError::TooSlow(within.as_secs())))
    }

    /// A connection over TLS. Who uses it bounds the time.
    pub(crate) async fn connect(&self, settings: &LdapSettings) -> Result<Secured<'_>, LdapError> {
        let place = settings.place()?;
        let (fetcher, options) = (&self.0.fetcher, &self.0.options);
        let mut stream = fetcher.reach(&place.host, place.port, true).await?;
        if place.starts_tls {
            stream = Connection::new(stream, options).start_tls().await?;
        }
        Ok(Connection::new(fetcher.secure(&place.host, stream).await?, options))
    }

    async fn read(&self, settings: &LdapSettings, first_page: bool) -> Result<Found, LdapError> {
        let (filter, attributes) = (settings.filter()?, settings.attributes());
        let work = async {
            let mut connection = self.connect(settings).await?;
            if !settings.bind_name.is_empty() {
                let none = Secret::new("");
                let password = settings.password.as_ref().unwrap_or(&none);
                connection.bind(&settings.bind_name, password).await?;
            }
            let query = Query {
                base: &settings.base,
                filter: &filter,
                attributes: &attributes,
                first_page,
            };
            let found = connection.search(&query).await?;
            connection.close().await;
            Ok(found)
        };
        self.in_time(self.0.options.read_within, work).await
    }

    async fn members(&self, tenant: TenantId) -> Result<Members, LdapError> {
        let directory = &self.0.directory;
        let query = MemberQuery {
            kind: Some(AccountKind::Member),
            ..MemberQuery::default()
        };
        let ids = directory.member_ids(tenant, &query).await?;
        let mut members = Vec::with_capacity(ids.len());
        for some in ids.chunks(1_000) {
            members.extend(directory.accounts_with(tenant, some).await?);
        }
        let domains = directory.domains(tenant, None, DOMAINS_MAX).await?;
        Ok(Members {
            members,
            departments: self.department_paths(tenant).await?,
            domains: domains.into_iter().map(|domain| domain.domain).collect(),
        })
    }

    pub(crate) async fn department_paths(
        &self,
        tenant: TenantId,
    ) -> Result<BTreeMap<DepartmentId, Vec<String>>, LdapError> {
        let mut paths: BTreeMap<DepartmentId, Vec<String>> = BTreeMap::new();
        // Each comes after what it is part of.
        for view in self.0.directory.departments(tenant).await? {
            let department = view.department;
            let mut path = paths.get(&department.parent).cloned().unwrap_or_default();
            path.push(department.name);
            paths.insert(department.id, path);
        }
        Ok(paths)
    }

    async fn compare(&self, tenant: TenantId, settings: &LdapSettings, found: Found) -> Result<Plan, LdapError> {
        let base = Name::read(&settings.base).ok_or(LdapError::Malformed)?;
        let people = found.entries.iter().map(|entry| Person::read(settings, &base, entry));
        let there = self.members(tenant).await?;
        let ids: Vec<_> = there.members.iter().map(|account| account.id).collect();
        let present = Present {
            members: &there.members,
            departments: &there.departments,
            links: &self.links(&ids).await?,
            domains: &there.domains,
        };
        let entries = compare::compare(settings, people.collect(), &present);
        let gone = entries.iter().filter(|entry| entry.action == Action::Disable).count();
        Ok(Plan {
            entries,
            linked: compare::count_linked(&there.members),
            gone,
            disable_percent_max: settings.disable_percent_max,
        })
    }

    /// Reads all people of an organisation's directory, and says what is to become of each. Changes nothing.
    ///
    /// # Errors
    /// Each way in which a directory does not help: then nothing of what it said is believed.
    pub async fn plan(&self, tenant: TenantId) -> Result<Plan, LdapError> {
        let settings = self.need_settings(tenant).await?;
        let found = self.read(&settings, false).await?;
        self.compare(tenant, &settings, found).await
    }

    /// Looks at an organisation's directory: its first people, and what would become of some.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn check(&self, tenant: TenantId) -> Result<Checked, LdapError> {
        let settings = self.need_settings(tenant).await?;
        let mut found = self.read(&settings, true).await?;
        let (entries, more) = (found.entries.len(), found.more);
        found.entries.truncate(SAMPLES_MAX);
        let mut samples = self.compare(tenant, &settings, found).await?.entries;
        // Whoever is not among the first is not gone.
        samples.retain(|planned| planned.action != Action::Disable);
        Ok(Checked { entries, more, samples })
    }
}

#[cfg(test)]
#[path = "ldap_test.rs"]
mod tests;
