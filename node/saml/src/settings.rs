//! An organisation's provider, as its administrators set it.

use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error, Etag};
use hongyan_kv::Transaction;
use hongyan_openid::{Admission, OpenIdError, forget_provider};
use hongyan_types::TenantId;
use minicbor::bytes::ByteVec;

use crate::record::{self, ProviderRecord};
use crate::{Certificate, Described, Saml, SamlError, metadata};

/// Longest texts. An entity id has 1024 characters at most (Core §8.3.6).
const ENTITY_CHARACTERS_MAX: usize = 1_024;
const ADDRESS_OCTETS_MAX: usize = 2_048;
const LABEL_CHARACTERS_MAX: usize = 64;
const ATTRIBUTE_CHARACTERS_MAX: usize = 255;
/// Certificates of a provider: two while it changes its key.
const CERTIFICATES_MAX: usize = 5;

/// How members of an organisation sign in elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The provider.
    pub provider: Described,
    /// What members read on the button.
    pub label: String,
    /// The attribute that is the mail address; without it, the name identifier is.
    pub mail_attribute: Option<String>,
    /// The attribute that says what people are called.
    pub name_attribute: Option<String>,
    /// Who comes in.
    pub admission: Admission,
}

/// The settings to be.
#[derive(Debug, Clone)]
pub struct ProviderChange {
    /// All of them.
    pub settings: ProviderSettings,
    /// What is to be changed, as it was seen; nothing when it may be anything.
    pub expect: Option<Etag>,
}

/// The settings as they are, with what names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The settings.
    pub settings: ProviderSettings,
    /// What names them.
    pub etag: Etag,
}

fn is_text(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl ProviderSettings {
    fn check(&self, may_send_to: impl Fn(&str) -> bool) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Invalid(text.to_owned()));
        let provider = &self.provider;
        if !is_text(&provider.entity_id, ENTITY_CHARACTERS_MAX) || provider.entity_id.contains(char::is_whitespace) {
            return wrong("the entity id has 1 to 1024 characters, without spaces");
        }
        let place = &provider.sign_in_address;
        if place.len() > ADDRESS_OCTETS_MAX || place.contains('#') || !may_send_to(place) {
            return wrong("the sign-in address is an URL of https, of at most 2048 octets");
        }
        let sign_out = provider.sign_out.as_ref();
        if sign_out.is_some_and(|place| !place.is_good(&may_send_to)) {
            return wrong("the sign-out address is an URL of https, of at most 2048 octets");
        }
        if !(1..=CERTIFICATES_MAX).contains(&provider.certificates.len()) {
            return wrong("there are 1 to 5 certificates");
        }
        if !is_text(&self.label, LABEL_CHARACTERS_MAX) {
            return wrong("the label has 1 to 64 characters");
        }
        let attributes = [&self.mail_attribute, &self.name_attribute];
        if attributes
            .into_iter()
            .flatten()
            .any(|name| !is_text(name, ATTRIBUTE_CHARACTERS_MAX))
        {
            return wrong("the name of an attribute has 1 to 255 characters");
        }
        Ok(())
    }

    fn record(&self) -> ProviderRecord {
        let certificates = self.provider.certificates.iter();
        ProviderRecord {
            entity_id: self.provider.entity_id.clone(),
            sign_in_address: self.provider.sign_in_address.clone(),
            certificates: certificates
                .map(|certificate| ByteVec::from(certificate.der().to_vec()))
                .collect(),
            label: self.label.clone(),
            mail_attribute: self.mail_attribute.clone(),
            name_attribute: self.name_attribute.clone(),
            link_by_mail: self.admission.link_by_mail,
            create_members: self.admission.create_members,
            vouches_second_factor: self.admission.vouches_second_factor,
            sign_out: self.provider.sign_out.clone(),
        }
    }

    fn of(record: ProviderRecord) -> hongyan_kv::Result<Self> {
        let corrupt = |_| hongyan_kv::Error::Corrupt("certificate of a provider".to_owned());
        let certificates = record.certificates.into_iter();
        let certificates: Result<_, _> = certificates.map(|der| Certificate::of(der.into())).collect();
        Ok(Self {
            provider: Described {
                entity_id: record.entity_id,
                sign_in_address: record.sign_in_address,
                certificates: certificates.map_err(corrupt)?,
                sign_out: record.sign_out,
            },
            label: record.label,
            mail_attribute: record.mail_attribute,
            name_attribute: record.name_attribute,
            admission: Admission {
                link_by_mail: record.link_by_mail,
                create_members: record.create_members,
                vouches_second_factor: record.vouches_second_factor,
            },
        })
    }
}

impl Saml {
    /// Reads what a provider says of itself, as an administrator pasted it.
    ///
    /// # Errors
    /// `Provider`.
    pub fn read_metadata(&self, text: &str) -> Result<Described, SamlError> {
        Ok(metadata::read(text, self.0.options.answer_octets_max)?)
    }

    /// The provider of an organisation, if it has one.
    ///
    /// # Errors
    /// `SignIn`: the store's.
    pub async fn provider(&self, tenant: TenantId) -> Result<Option<View>, SamlError> {
        let key = record::provider_key(tenant);
        let read = async move |transaction: &mut Transaction| transaction.get_snapshot(&key).await;
        let Some(stored) = self.0.database.run(read).await? else {
            return Ok(None);
        };
        let record = record::decode(&stored).map_err(hongyan_kv::Error::from)?;
        Ok(Some(View {
            etag: Etag::of(&record::encode(&record)),
            settings: ProviderSettings::of(record)?,
        }))
    }

    pub(crate) async fn need_provider(&self, tenant: TenantId) -> Result<ProviderSettings, SamlError> {
        let view = self.provider(tenant).await?.ok_or(OpenIdError::NoProvider)?;
        Ok(view.settings)
    }

    /// Sets the provider of an organisation, which comes before one of OpenID Connect. Sessions and links stay: links are of the
    /// provider that was named then.
    ///
    /// # Errors
    /// `SignIn` with the directory's `Invalid`, `Changed`; the store's.
    pub async fn set_provider(
        &self,
        directory: &Directory,
        tenant: TenantId,
        change: &ProviderChange,
    ) -> Result<(), SamlError> {
        change.settings.check(|place| self.0.openid.may_send_to(place))?;
        let record = change.settings.record();
        let name = directory.tenant(tenant).await?.name.clone();
        let expect = change.expect;
        let set = async move |change: &mut Change| {
            let key = record::provider_key(tenant);
            let stored = change.get(&key).await?;
            let before = stored.map(|stored| record::decode(&stored));
            let before = before.transpose().map_err(hongyan_kv::Error::from)?;
            let present = before.as_ref().map(|before| Etag::of(&record::encode(before)));
            if expect.is_some() && expect != present {
                return Err(Error::Changed {
                    what: "SAML sign-in of",
                    name: name.clone(),
                });
            }
            if before.as_ref() != Some(&record) {
                change.set(key, record::encode(&record));
                let event = Event::new("organisation.saml", &name)
                    .id(tenant.0)
                    .with("entity_id", &record.entity_id)
                    .with("sign_in_address", &record.sign_in_address)
                    .with("certificates", record.certificates.len())
                    .with("sign_out", record.sign_out.is_some())
                    .with("link_by_mail", record.link_by_mail)
                    .with("create_members", record.create_members)
                    .with("vouches_second_factor", record.vouches_second_factor);
                change.record(Chain::Tenant(tenant), event);
                change.tell_of_organisation(tenant);
            }
            Ok(())
        };
        directory.announce(set).await?;
        Ok(())
    }

    /// Takes the provider of an organisation away. Links and sessions stay.
    ///
    /// # Errors
    /// `SignIn`: `NoProvider`; the store's.
    pub async fn remove_provider(&self, directory: &Directory, tenant: TenantId) -> Result<(), SamlError> {
        let key = record::provider_key(tenant);
        let removed = |name: &str| Event::new("organisation.remove-saml", name);
        Ok(forget_provider(directory, tenant, key, removed).await?)
    }
}
