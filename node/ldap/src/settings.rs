//! An organisation's directory, as its administrators set it.

use std::collections::BTreeSet;

use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error};
use hongyan_kv::Transaction;
use hongyan_ldap_wire::{Filter, Name};
use hongyan_sasl::Secret;
use hongyan_seal::SealError;
use hongyan_types::TenantId;

use crate::place::Place;
use crate::record::{self, RuleRecord, SettingsRecord};
use crate::{Ldap, LdapError};

/// Longest texts, in octets.
const NAME_OCTETS_MAX: usize = 1_024;
const ATTRIBUTE_OCTETS_MAX: usize = 128;
/// A week is the longest period.
const MINUTES_MAX: u32 = 10_080;

/// What an attribute is of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonField {
    /// The main address; who has none is nobody here.
    Address,
    /// All addresses in the organisation's domains beside the main one.
    Aliases,
    /// The name.
    DisplayName,
    /// Family name.
    FamilyName,
    /// Given name.
    GivenName,
    /// Alias beside the name.
    Nickname,
    /// Account id of the organisation's own.
    EmployeeId,
    /// Mobile phone.
    Mobile,
    /// Landline phone.
    Landline,
    /// Title.
    Title,
    /// Where they are.
    Location,
    /// A mail address outside.
    PrivateAddress,
    /// The language of what the system writes.
    Language,
}

impl PersonField {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Address,
        Self::Aliases,
        Self::DisplayName,
        Self::FamilyName,
        Self::GivenName,
        Self::Nickname,
        Self::EmployeeId,
        Self::Mobile,
        Self::Landline,
        Self::Title,
        Self::Location,
        Self::PrivateAddress,
        Self::Language,
    ];
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Aliases => "aliases",
            Self::DisplayName => "display_name",
            Self::FamilyName => "family_name",
            Self::GivenName => "given_name",
            Self::Nickname => "nickname",
            Self::EmployeeId => "employee_id",
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::Title => "title",
            Self::Location => "location",
            Self::PrivateAddress => "private_address",
            Self::Language => "language",
        }
    }
    /// The one of that name.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.label() == label)
    }
}

/// Whose word counts about a field of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Master {
    /// The outside directory's, each time.
    Directory,
    /// Ours: the outside directory is asked for new members only.
    Hongyan,
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeRule {
    /// The field.
    pub field: PersonField,
    /// The attribute it is in.
    pub attribute: String,
    /// Whose word counts.
    pub master: Master,
}

/// Where departments come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departments {
    /// From nowhere: they are ours.
    None,
    /// The organisational units between base and entry.
    Units,
    /// The path in that attribute, `/` between its names.
    Attribute(String),
}

/// An organisation's directory.
#[derive(Debug, Clone)]
pub struct LdapSettings {
    /// Where it is: `ldaps://host[:port]`, or `ldap://host[:port]` for STARTTLS.
    pub url: String,
    /// Whom we sign in as; empty for nobody.
    pub bind_name: String,
    /// Their password.
    pub password: Option<Secret>,
    /// Below what people are looked for.
    pub base: String,
    /// Who counts (RFC 4515).
    pub filter: String,
    /// The attribute that names an entry for ever, such as `entryUUID` or `objectGUID`.
    pub identifier: String,
    /// Where each field comes from; fields without a rule are ours.
    pub rules: Vec<AttributeRule>,
    /// Where departments come from.
    pub departments: Departments,
    /// Whose word counts about them.
    pub department_master: Master,
    /// Whether a member who is there already, with the address of an entry, is taken to be its person.
    pub adopt: bool,
    /// How often it is synchronised, in minutes; 0 for never by itself.
    pub every_minutes: u32,
    /// Of those who came from there, how many a synchronisation may disable at most, in percent.
    pub disable_percent_max: u8,
    /// Whether their passwords are proved there.
    pub bind_sign_in: bool,
}

/// The settings to be.
#[derive(Debug, Clone)]
pub struct LdapChange {
    /// All of them.
    pub settings: LdapSettings,
    /// Whether the password that is there stays, whatever `settings` says of it.
    pub keep_password: bool,
}

fn is_attribute(name: &str) -> bool {
    let is_part = |octet: u8| octet.is_ascii_alphanumeric() || b"-.;_".contains(&octet);
    !name.is_empty() && name.len() <= ATTRIBUTE_OCTETS_MAX && name.bytes().all(is_part)
}

impl LdapSettings {
    /// The attributes that are asked for.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.rules.iter().map(|rule| rule.attribute.clone()).collect();
        names.insert(self.identifier.clone());
        if let Departments::Attribute(name) = &self.departments {
            names.insert(name.clone());
        }
        names.into_iter().collect()
    }

    /// The rule of a field.
    pub(crate) fn rule(&self, field: PersonField) -> Option<&AttributeRule> {
        self.rules.iter().find(|rule| rule.field == field)
    }

    pub(crate) fn place(&self) -> Result<Place, Error> {
        let wrong = || Error::Invalid("url: it is ldaps://host[:port], or ldap://host[:port] for STARTTLS".to_owned());
        Place::read(&self.url).ok_or_else(wrong)
    }

    pub(crate) fn filter(&self) -> Result<Filter, Error> {
        Filter::read(&self.filter).map_err(|error| Error::Invalid(format!("filter: {error}")))
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Invalid(text.to_owned()));
        self.place()?;
        self.filter()?;
        for (what, name) in [("base", &self.base), ("bind_name", &self.bind_name)] {
            // Active Directory takes `user@domain` for whom one signs in as, too.
            let is_name = Name::read(name).is_some() || (what == "bind_name" && name.contains('@'));
            if name.len() > NAME_OCTETS_MAX || !is_name {
                return Err(Error::Invalid(format!("{what}: it is no distinguished name")));
            }
        }
        if self.base.trim().is_empty() {
            return wrong("base: it is missing");
        }
        if self.bind_name.is_empty() && self.password.is_some() {
            return wrong("bind_name: it is missing beside the password");
        }
        let secret = self.password.as_ref().map_or(1, |password| password.reveal().len());
        if !(1..=NAME_OCTETS_MAX).contains(&secret) {
            return wrong("password: it has 1 to 1024 octets");
        }
        let department = match &self.departments {
            Departments::Attribute(name) => Some(name),
            Departments::None | Departments::Units => None,
        };
        let named = self.rules.iter().map(|rule| &rule.attribute);
        for name in named.chain(department).chain([&self.identifier]) {
            if !is_attribute(name) {
                return Err(Error::Invalid(format!("{name:?} is no attribute")));
            }
        }
        let fields: BTreeSet<PersonField> = self.rules.iter().map(|rule| rule.field).collect();
        if fields.len() < self.rules.len() {
            return wrong("attributes: a field has one attribute");
        }
        if !fields.contains(&PersonField::Address) {
            return wrong("attributes: the one with the address is missing");
        }
        if self.every_minutes > MINUTES_MAX || (1..5).contains(&self.every_minutes) {
            return wrong("every_minutes: it is 0, or 5 to 10080");
        }
        if self.disable_percent_max > 100 {
            return wrong("disable_percent_max: it is 0 to 100");
        }
        Ok(())
    }

    fn record(&self, password: Option<Vec<u8>>) -> SettingsRecord {
        SettingsRecord {
            url: self.url.clone(),
            bind_name: self.bind_name.clone(),
            password,
            base: self.base.clone(),
            filter: self.filter.clone(),
            identifier: self.identifier.clone(),
            rules: self
                .rules
                .iter()
                .map(|rule| RuleRecord {
                    field: rule.field.label().to_owned(),
                    attribute: rule.attribute.clone(),
                    ours: rule.master == Master::Hongyan,
                })
                .collect(),
            departments: match self.departments {
                Departments::None => 0,
                Departments::Units => 1,
                Departments::Attribute(_) => 2,
            },
            department_attribute: match &self.departments {
                Departments::Attribute(name) => Some(name.clone()),
                Departments::None | Departments::Units => None,
            },
            departments_ours: self.department_master == Master::Hongyan,
            adopt: self.adopt,
            every_minutes: self.every_minutes,
            disable_percent_max: self.disable_percent_max,
            bind_sign_in: self.bind_sign_in,
        }
    }
}

fn master(ours: bool) -> Master {
    if ours { Master::Hongyan } else { Master::Directory }
}

impl LdapSettings {
    fn of(record: SettingsRecord, password: Option<Secret>) -> Self {
        // A rule that a later release knows is left alone by this one.
        let rule = |rule: RuleRecord| {
            Some(AttributeRule {
                field: PersonField::named(&rule.field)?,
                attribute: rule.attribute,
                master: master(rule.ours),
            })
        };
        Self {
            url: record.url,
            bind_name: record.bind_name,
            password,
            base: record.base,
            filter: record.filter,
            identifier: record.identifier,
            rules: record.rules.into_iter().filter_map(rule).collect(),
            departments: match (record.departments, record.department_attribute) {
                (1, _) => Departments::Units,
                (2, Some(name)) => Departments::Attribute(name),
                _ => Departments::None,
            },
            department_master: master(record.departments_ours),
            adopt: record.adopt,
            every_minutes: record.every_minutes,
            disable_percent_max: record.disable_percent_max,
            bind_sign_in: record.bind_sign_in,
        }
    }
}

impl Ldap {
    async fn record(&self, tenant: TenantId) -> Result<Option<SettingsRecord>, LdapError> {
        let key = record::settings_key(tenant);
        let read = async move |transaction: &mut Transaction| {
            let stored = transaction.get_snapshot(&key).await?;
            let record = stored.map(|stored| record::decode::<SettingsRecord>(&stored));
            Ok::<_, hongyan_kv::Error>(record.transpose()?)
        };
        Ok(self.0.database.run(read).await?)
    }

    fn open_password(&self, tenant: TenantId, record: &SettingsRecord) -> Result<Option<Secret>, SealError> {
        let Some(sealed) = &record.password else {
            return Ok(None);
        };
        let sealer = self.0.directory.sealer();
        let opened = sealer.open(&record::password_place(tenant), sealed)?;
        let text = String::from_utf8(opened.to_vec()).map_err(|_| SealError::Form)?;
        Ok(Some(Secret::new(text)))
    }

    /// The directory of an organisation, if it has one. A password that does not open is none: it has to be set anew.
    ///
    /// # Errors
    /// The store's.
    pub async fn settings(&self, tenant: TenantId) -> Result<Option<LdapSettings>, LdapError> {
        let Some(record) = self.record(tenant).await? else {
            return Ok(None);
        };
        let password = self.open_password(tenant, &record).unwrap_or_else(|error| {
            tracing::warn!(event = "secret_unreadable", what = "ldap bind password", tenant = tenant.0, %error);
            None
        });
        Ok(Some(LdapSettings::of(record, password)))
    }

    /// Likewise, to ask it: without its password a directory would show less than there is.
    pub(crate) async fn need_settings(&self, tenant: TenantId) -> Result<LdapSettings, LdapError> {
        let record = self.record(tenant).await?.ok_or(LdapError::NoDirectory)?;
        let password = self.open_password(tenant, &record)?;
        Ok(LdapSettings::of(record, password))
    }

    /// Sets the directory of an organisation. Nobody is touched before the next synchronisation.
    ///
    /// # Errors
    /// `Directory` with `Invalid`; the store's.
    pub async fn set_settings(
        &self,
        directory: &Directory,
        tenant: TenantId,
        change: &LdapChange,
    ) -> Result<LdapSettings, LdapError> {
        let settings = &change.settings;
        settings.check()?;
        if !self.0.fetcher.may_lead_to(&settings.place()?.url) {
            let refused = "url: it is neither at a public address nor in a network of ldap.networks";
            return Err(Error::Invalid(refused.to_owned()).into());
        }
        let sealer = directory.sealer().clone();
        let seal = |password: &Secret| sealer.seal(&record::password_place(tenant), password.reveal().as_bytes());
        let record = settings.record(settings.password.as_ref().map(seal).transpose()?);
        let (keep, name) = (change.keep_password, directory.tenant(tenant).await?.name.clone());
        let now = self.0.env.wall_millis();
        let set = async move |change: &mut Change| {
            let key = record::settings_key(tenant);
            let mut record = record.clone();
            let stored = change.get(&key).await?;
            let before = stored.map(|stored| record::decode::<SettingsRecord>(&stored));
            let before = before.transpose().map_err(hongyan_kv::Error::from)?;
            if keep {
                // A password is for the server that it was set for: it is shown to no other.
                let same = before.as_ref();
                let same = same.filter(|before| before.url == record.url && before.bind_name == record.bind_name);
                record.password = same.and_then(|before| before.password.clone());
            }
            if !record.bind_name.is_empty() && record.password.is_none() {
                return Err(Error::Invalid("password: it is missing beside bind_name".to_owned()));
            }
            if before.as_ref() != Some(&record) {
                change.set(key, record::encode(&record));
                schedule(change, tenant, record.every_minutes, now);
                let event = Event::new("organisation.ldap", &name)
                    .id(tenant.0)
                    .with("url", &record.url)
                    .with("bind_name", &record.bind_name)
                    .with("has_password", record.password.is_some())
                    .with("base", &record.base)
                    .with("filter", &record.filter)
                    .with("adopt", record.adopt)
                    .with("every_minutes", record.every_minutes)
                    .with("disable_percent_max", record.disable_percent_max)
                    .with("bind_sign_in", record.bind_sign_in);
                change.record(Chain::Tenant(tenant), event);
                change.tell_of_organisation(tenant);
            }
            Ok(record)
        };
        let (record, _) = directory.announce(set).await?;
        let password = self.open_password(tenant, &record)?;
        Ok(LdapSettings::of(record, password))
    }

    /// Takes the directory of an organisation away. Its members stay as they are, and are ours.
    ///
    /// # Errors
    /// `NoDirectory`; the store's.
    pub async fn remove_settings(&self, directory: &Directory, tenant: TenantId) -> Result<(), LdapError> {
        let name = directory.tenant(tenant).await?.name.clone();
        let remove = async move |change: &mut Change| {
            let key = record::settings_key(tenant);
            let is_there = change.get(&key).await?.is_some();
            if is_there {
                change.clear(&key);
                schedule(change, tenant, 0, 0);
                change.record(
                    Chain::Tenant(tenant),
                    Event::new("organisation.remove-ldap", &name).id(tenant.0),
                );
                change.tell_of_organisation(tenant);
            }
            Ok(is_there)
        };
        let (was_there, _) = directory.announce(remove).await?;
        was_there.then_some(()).ok_or(LdapError::NoDirectory)
    }

    /// The organisations whose synchronisation is due; each is due again after its period.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_due(&self) -> Result<Vec<TenantId>, LdapError> {
        let now = self.0.env.wall_millis();
        let take = async move |transaction: &mut Transaction| {
            let prefix = record::scheduled();
            let query = hongyan_kv::RangeQuery::all(prefix.range());
            let mut due = Vec::new();
            for pair in transaction.get_range_all(query).await? {
                let tenant = prefix.reader(&pair.key).ok().and_then(|mut reader| reader.int().ok());
                let Some(tenant) = tenant.map(TenantId) else { continue };
                let at = <[u8; 8]>::try_from(pair.value.as_ref()).map_or(0, i64::from_le_bytes);
                if at > now {
                    continue;
                }
                let stored = transaction.get(&record::settings_key(tenant)).await?;
                let settings = stored
                    .map(|stored| record::decode::<SettingsRecord>(&stored))
                    .transpose()?;
                let minutes = settings.map_or(0, |settings| settings.every_minutes);
                schedule(transaction, tenant, minutes, now);
                if minutes > 0 {
                    due.push(tenant);
                }
            }
            Ok::<_, hongyan_kv::Error>(due)
        };
        Ok(self.0.database.run(take).await?)
    }
}

/// Writes when a tenant is due next; never, for no minutes.
fn schedule(transaction: &mut Transaction, tenant: TenantId, every_minutes: u32, now_millis: i64) {
    let key = record::scheduled().int(tenant.0).pack();
    if every_minutes == 0 {
        transaction.clear(&key);
    } else {
        let at = now_millis.saturating_add(i64::from(every_minutes) * 60_000);
        transaction.set(key, at.to_le_bytes().to_vec());
    }
}
