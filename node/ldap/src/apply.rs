//! Does what was planned for one member: in one transaction, and the same however often it is done.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_directory::{AccountChange, AccountRecord, AccountState, DepartmentId, Directory, Error, Field, Provision};
use hongyan_types::{AccountId, Domain, TenantId};

use crate::compare::{creation, provision};
use crate::link;
use crate::person::Person;
use crate::record::LinkRecord;
use crate::{Action, Ldap, LdapError, LdapSettings, Planned};

/// Times that a change is tried while others change the member too.
const ATTEMPTS_MAX: usize = 4;

/// A synchronisation under way: what is the same for all of its members.
pub struct Applying<'l> {
    ldap: &'l Ldap,
    /// In the name of whoever asked for it.
    directory: Directory,
    tenant: TenantId,
    settings: LdapSettings,
    domains: BTreeSet<Domain>,
    /// The paths of departments as they were when it began; a new one is found by its name.
    departments: BTreeMap<DepartmentId, Vec<String>>,
    /// Whether it is only tried.
    dry: bool,
}

impl Ldap {
    /// Goes on with a synchronisation; a dry one forgets what it does.
    ///
    /// # Errors
    /// `NoDirectory`; the store's.
    pub async fn applying(
        &self,
        directory: &Directory,
        tenant: TenantId,
        dry: bool,
    ) -> Result<Applying<'_>, LdapError> {
        let domains = directory.domains(tenant, None, 10_000).await?;
        Ok(Applying {
            ldap: self,
            directory: directory.clone(),
            tenant,
            settings: self.need_settings(tenant).await?,
            domains: domains.into_iter().map(|domain| domain.domain).collect(),
            departments: self.department_paths(tenant).await?,
            dry,
        })
    }
}

impl Applying<'_> {
    /// Does what was planned for one member; what is wrong with that is said, and keeps no other from being done.
    ///
    /// # Errors
    /// When the store fails: then it is to be done again.
    pub async fn apply(&self, planned: &Planned) -> Result<Vec<(String, String)>, LdapError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let done = match (planned.action, planned.account, &planned.person) {
                (Action::Create, _, Some(person)) => self.create(person).await,
                (Action::Change, Some(account), Some(person)) => self.change(account, person).await,
                (Action::Disable, Some(account), _) => self.disable(account).await,
                _ => Ok(()),
            };
            match done {
                Ok(()) => return Ok(Vec::new()),
                Err(LdapError::Directory(Error::Changed { .. })) if attempt < ATTEMPTS_MAX => {}
                Err(error) if error.is_ours() => return Err(error),
                Err(LdapError::Directory(Error::Storage(error))) => return Err(error.into()),
                Err(error) => return Ok(vec![(String::new(), error.to_string())]),
            }
        }
    }

    async fn create(&self, person: &Person) -> Result<(), LdapError> {
        let external_id = link::external_id(&person.identifier);
        // Whoever was made before a node was lost is there.
        if let Some(account) = self.directory.account_called(self.tenant, &external_id).await? {
            return self.change(account, person).await;
        }
        let Some(address) = person.address() else {
            return Err(Error::Invalid("address: it is missing".to_owned()).into());
        };
        // The domain may have left the organisation since the plan was made.
        if !self.domains.contains(&address.domain) {
            let reason = format!("address: {} is no domain of the organisation", address.domain);
            return Err(Error::Invalid(reason).into());
        }
        let (new, department, aliases) = creation(person, &address, &self.domains);
        if self.dry {
            self.directory
                .try_create_provisioned(&new, &department, &aliases)
                .await?;
            return Ok(());
        }
        let account = self.directory.create_provisioned(&new, &department, &aliases).await?;
        self.note(account.id, &person.name, false).await
    }

    async fn note(&self, account: AccountId, name: &str, is_gone: bool) -> Result<(), LdapError> {
        let link = LinkRecord {
            name: name.to_owned(),
            is_gone,
        };
        if self.ldap.link(account).await?.as_ref() != Some(&link) {
            self.ldap.set_link(&self.directory, account, &link).await?;
        }
        Ok(())
    }

    /// The member, if it is still the organisation's.
    async fn account(&self, id: AccountId) -> Result<std::sync::Arc<AccountRecord>, LdapError> {
        let account = self.directory.account(id).await?;
        let account = account.filter(|account| account.tenant == self.tenant);
        let missing = || Error::NotFound {
            what: "account",
            name: id.0.to_string(),
        };
        Ok(account.ok_or_else(missing)?)
    }

    async fn change(&self, id: AccountId, person: &Person) -> Result<(), LdapError> {
        let account = self.account(id).await?;
        let known = &account.profile.external_id;
        if !known.is_empty() && *known != link::external_id(&person.identifier) {
            return Err(Error::Refused(format!("{} came from elsewhere", account.address)).into());
        }
        let is_gone = self.ldap.link(id).await?.is_some_and(|link| link.is_gone);
        let path = account.departments.first().and_then(|id| self.departments.get(id));
        let path = path.map(Vec::as_slice);
        let (wanted, fields) = provision(&self.settings, person, &account, path, &self.domains, is_gone);
        if self.dry {
            self.directory.try_provision(id, &wanted).await?;
            return Ok(());
        }
        if !fields.is_empty() {
            self.provision(id, &wanted).await?;
        }
        self.note(id, &person.name, false).await
    }

    async fn provision(&self, id: AccountId, wanted: &Provision) -> Result<(), LdapError> {
        self.directory.provision(id, wanted).await?;
        self.ldap.0.access.account_changed(id).await?;
        Ok(())
    }

    async fn disable(&self, id: AccountId) -> Result<(), LdapError> {
        let account = self.account(id).await?;
        let is_ours = link::is_ours(&account.profile.external_id);
        if !is_ours || !matches!(account.state, AccountState::Active | AccountState::Invited) {
            return Ok(());
        }
        let wanted = Provision {
            change: AccountChange {
                state: Field::Set(AccountState::Disabled),
                expect: Some(account.etag()),
                ..AccountChange::default()
            },
            ..Provision::default()
        };
        if self.dry {
            self.directory.try_provision(id, &wanted).await?;
            return Ok(());
        }
        // Noted first: whoever comes back is let in again only where it is known that they had gone.
        let name = self.ldap.link(id).await?.map(|link| link.name).unwrap_or_default();
        self.note(id, &name, true).await?;
        self.provision(id, &wanted).await
    }
}
