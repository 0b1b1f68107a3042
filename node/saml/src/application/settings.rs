//! The applications of an organisation, as its administrators register them.

use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error, Etag};
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_types::{TenantId, Timestamp};
use minicbor::bytes::ByteVec;

use super::record::{self, ApplicationRecord, ConsumerRecord, FactRecord, NameIdRecord, ToldRecord};
use super::{Consumer, DescribedApplication, Fact, NameId, Told, read_application};
use crate::{Certificate, Saml, SamlError, SignOutPlace};

/// Places where one takes answers.
const CONSUMERS_MAX: usize = 20;
/// Certificates of one: two while it changes its key.
const CERTIFICATES_MAX: usize = 5;
/// Longest texts. An entity id has 1024 characters at most (Core §8.3.6).
const ID_OCTETS_MAX: usize = 64;
const NAME_CHARACTERS_MAX: usize = 64;
const ENTITY_CHARACTERS_MAX: usize = 1_024;
const PLACE_OCTETS_MAX: usize = 2_048;
const ATTRIBUTE_CHARACTERS_MAX: usize = 255;

/// An application that members sign in to here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// What addresses of ours call it: 1 to 64 letters, digits, dots, hyphens and underscores.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who it is, in its own words.
    pub entity_id: String,
    /// Where it takes answers; the first is for requests that name none.
    pub consumers: Vec<Consumer>,
    /// How it knows members.
    pub name_id: NameId,
    /// What it is told of them.
    pub told: Vec<Told>,
    /// Whether its requests have to be signed.
    pub needs_signature: bool,
    /// With which it signs them.
    pub certificates: Vec<Certificate>,
    /// Where it is told that somebody signs out; without it, it is not.
    pub sign_out: Option<SignOutPlace>,
    /// Whether members can use it.
    pub is_on: bool,
    /// When it was registered; what is set here does not count.
    pub created: Timestamp,
}

/// An application to be.
#[derive(Debug, Clone)]
pub struct ApplicationChange {
    /// All of it.
    pub application: Application,
    /// What is to be changed, as it was seen; nothing when it may be anything.
    pub expect: Option<Etag>,
}

/// An application as it is, with what names that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationView {
    /// The application.
    pub application: Application,
    /// What names its state.
    pub etag: Etag,
}

fn is_text(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl Application {
    fn check(&self, may_send_to: impl Fn(&str) -> bool) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Invalid(text.to_owned()));
        let is_id = |octet: u8| octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
        let is_dots = self.id.bytes().all(|octet| octet == b'.');
        if self.id.len() > ID_OCTETS_MAX || !self.id.bytes().all(is_id) || is_dots {
            return wrong("an application is called by 1 to 64 letters, digits, dots, hyphens and underscores");
        }
        if !is_text(&self.name, NAME_CHARACTERS_MAX) {
            return wrong("the name has 1 to 64 characters");
        }
        let entity_id = &self.entity_id;
        if !is_text(entity_id, ENTITY_CHARACTERS_MAX) || entity_id.contains(char::is_whitespace) {
            return wrong("the entity id has 1 to 1024 characters, without spaces");
        }
        if !(1..=CONSUMERS_MAX).contains(&self.consumers.len()) {
            return wrong("there are 1 to 20 places that take answers");
        }
        for consumer in &self.consumers {
            let place = &consumer.location;
            if place.len() > PLACE_OCTETS_MAX || place.contains('#') || !may_send_to(place) {
                return Err(Error::Invalid(format!(
                    "{place}: a place that takes answers is an URL of https, of at most 2048 octets"
                )));
            }
        }
        let is_told = |told: &Told| is_text(&told.name, ATTRIBUTE_CHARACTERS_MAX);
        if self.told.len() > Fact::ALL.len() || !self.told.iter().all(is_told) {
            return wrong("an attribute is told once, under a name of 1 to 255 characters");
        }
        let mut facts: Vec<Fact> = self.told.iter().map(|told| told.fact).collect();
        facts.sort_unstable();
        facts.dedup();
        if facts.len() != self.told.len() {
            return wrong("an attribute is told once, under a name of 1 to 255 characters");
        }
        if self.certificates.len() > CERTIFICATES_MAX {
            return wrong("there are at most 5 certificates");
        }
        let sign_out = self.sign_out.as_ref();
        if sign_out.is_some_and(|place| !place.is_good(&may_send_to)) {
            return wrong("a sign-out address is an URL of https, of at most 2048 octets");
        }
        if self.needs_signature && self.certificates.is_empty() {
            return wrong("signed requests take a certificate to verify them with");
        }
        Ok(())
    }

    fn record(&self) -> ApplicationRecord {
        let consumers = self.consumers.iter().map(|consumer| ConsumerRecord {
            location: consumer.location.clone(),
            index: consumer.index,
        });
        let told = self.told.iter().map(|told| ToldRecord {
            fact: match told.fact {
                Fact::Mail => FactRecord::Mail,
                Fact::Name => FactRecord::Name,
                Fact::Number => FactRecord::Number,
                Fact::Aliases => FactRecord::Aliases,
                Fact::Organisation => FactRecord::Organisation,
            },
            name: told.name.clone(),
        });
        let certificates = self.certificates.iter();
        ApplicationRecord {
            name: self.name.clone(),
            entity_id: self.entity_id.clone(),
            consumers: consumers.collect(),
            name_id: match self.name_id {
                NameId::Persistent => NameIdRecord::Persistent,
                NameId::Email => NameIdRecord::Email,
                NameId::Transient => NameIdRecord::Transient,
            },
            told: told.collect(),
            needs_signature: self.needs_signature,
            certificates: certificates
                .map(|certificate| ByteVec::from(certificate.der().to_vec()))
                .collect(),
            is_on: self.is_on,
            created_millis: self.created.millis,
            sign_out: self.sign_out.clone(),
        }
    }

    fn of(id: &str, record: ApplicationRecord) -> hongyan_kv::Result<Self> {
        let corrupt = |_| hongyan_kv::Error::Corrupt("certificate of an application".to_owned());
        let certificates = record.certificates.into_iter();
        let certificates: Result<_, _> = certificates.map(|der| Certificate::of(der.into())).collect();
        let consumers = record.consumers.into_iter().map(|consumer| Consumer {
            location: consumer.location,
            index: consumer.index,
        });
        let told = record.told.into_iter().map(|told| Told {
            fact: match told.fact {
                FactRecord::Mail => Fact::Mail,
                FactRecord::Name => Fact::Name,
                FactRecord::Number => Fact::Number,
                FactRecord::Aliases => Fact::Aliases,
                FactRecord::Organisation => Fact::Organisation,
            },
            name: told.name,
        });
        Ok(Self {
            id: id.to_owned(),
            name: record.name,
            entity_id: record.entity_id,
            consumers: consumers.collect(),
            name_id: match record.name_id {
                NameIdRecord::Persistent => NameId::Persistent,
                NameIdRecord::Email => NameId::Email,
                NameIdRecord::Transient => NameId::Transient,
            },
            told: told.collect(),
            needs_signature: record.needs_signature,
            certificates: certificates.map_err(corrupt)?,
            sign_out: record.sign_out,
            is_on: record.is_on,
            created: Timestamp {
                millis: record.created_millis,
            },
        })
    }
}

fn view(id: &str, stored: &[u8]) -> hongyan_kv::Result<ApplicationView> {
    let record: ApplicationRecord = record::decode(stored)?;
    Ok(ApplicationView {
        etag: Etag::of(&record::encode(&record)),
        application: Application::of(id, record)?,
    })
}

async fn read(transaction: &mut Transaction, tenant: TenantId) -> hongyan_kv::Result<Vec<ApplicationView>> {
    let prefix = record::applications(tenant);
    let mut found = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = prefix.reader(&pair.key).and_then(|mut reader| reader.string());
        let id = id.map_err(|_| hongyan_kv::Error::Corrupt("key of an application".to_owned()))?;
        found.push(view(&id, &pair.value)?);
    }
    Ok(found)
}

impl Saml {
    /// Reads what an application says of itself, as an administrator pasted it.
    ///
    /// # Errors
    /// `Provider`.
    pub fn read_application(&self, text: &str) -> Result<DescribedApplication, SamlError> {
        Ok(read_application(text, self.0.options.answer_octets_max)?)
    }

    /// The applications of an organisation, by identifier; those too that are switched off.
    ///
    /// # Errors
    /// `SignIn`: the store's.
    pub async fn applications(&self, tenant: TenantId) -> Result<Vec<ApplicationView>, SamlError> {
        let look = async move |transaction: &mut Transaction| read(transaction, tenant).await;
        Ok(self.0.database.run(look).await?)
    }

    /// An application of an organisation; those of others are not there.
    ///
    /// # Errors
    /// `SignIn`: the store's.
    pub async fn application(&self, tenant: TenantId, id: &str) -> Result<Option<ApplicationView>, SamlError> {
        let key = record::application_key(tenant, id);
        let look = async move |transaction: &mut Transaction| transaction.get_snapshot(&key).await;
        let stored = self.0.database.run(look).await?;
        Ok(stored.map(|stored| view(id, &stored)).transpose()?)
    }

    /// The application that calls itself so, if it is switched on.
    pub(crate) async fn application_named(&self, tenant: TenantId, entity_id: &str) -> Result<Application, SamlError> {
        let mut all = self
            .applications(tenant)
            .await?
            .into_iter()
            .map(|view| view.application);
        let found = all.find(|application| application.entity_id == entity_id && application.is_on);
        found.ok_or(SamlError::NoApplication)
    }

    /// Registers an application, or changes one.
    ///
    /// # Errors
    /// `SignIn` with the directory's `Invalid`, `Limit`, `Changed`, `Refused` for an entity id that another one has; the store's.
    pub async fn set_application(
        &self,
        directory: &Directory,
        tenant: TenantId,
        change: &ApplicationChange,
    ) -> Result<(), SamlError> {
        change.application.check(|place| self.0.openid.may_send_to(place))?;
        let mut kept = change.application.record();
        kept.created_millis = self.0.env.wall_millis();
        let (id, expect) = (change.application.id.clone(), change.expect);
        let max = self.0.options.applications_max;
        let set = async move |change: &mut Change| {
            let mut kept = kept.clone();
            let present = read(change, tenant).await?;
            let before = present.iter().find(|known| known.application.id == id);
            if expect.is_some() && expect != before.map(|before| before.etag) {
                return Err(Error::Changed {
                    what: "application",
                    name: id.clone(),
                });
            }
            let mut others = present.iter().filter(|known| known.application.id != id);
            if others.any(|known| known.application.entity_id == kept.entity_id) {
                return Err(Error::Refused(format!("{} is connected already", kept.entity_id)));
            }
            match before {
                Some(before) => kept.created_millis = before.application.created.millis,
                None if present.len() >= max => {
                    return Err(Error::Limit {
                        setting: "saml_applications_max",
                        max: max as u64,
                        used: present.len() as u64,
                    });
                }
                None => {}
            }
            let places: Vec<&str> = kept.consumers.iter().map(|place| place.location.as_str()).collect();
            let event = Event::new("saml-application.set", &kept.name)
                .with("id", &id)
                .with("entity_id", &kept.entity_id)
                .with("consumers", places.join(" "))
                .with("attributes", kept.told.len())
                .with("needs_signature", kept.needs_signature)
                .with("certificates", kept.certificates.len())
                .with("sign_out", kept.sign_out.is_some())
                .with("on", kept.is_on);
            change.record(Chain::Tenant(tenant), event);
            change.set(record::application_key(tenant, &id), record::encode(&kept));
            Ok(())
        };
        directory.announce(set).await?;
        Ok(())
    }

    /// Takes an application away: it is answered nothing any more.
    ///
    /// # Errors
    /// `NoApplication`; `SignIn`: the store's.
    pub async fn remove_application(&self, directory: &Directory, tenant: TenantId, id: &str) -> Result<(), SamlError> {
        let id = id.to_owned();
        let remove = async move |change: &mut Change| {
            let key = record::application_key(tenant, &id);
            if change.get(&key).await?.is_none() {
                return Ok(false);
            }
            change.clear(&key);
            change.record(Chain::Tenant(tenant), Event::new("saml-application.remove", &id));
            Ok(true)
        };
        match directory.announce(remove).await?.0 {
            true => Ok(()),
            false => Err(SamlError::NoApplication),
        }
    }
}
