//! An organisation's provider, as its administrators set it.

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error, Etag};
use hongyan_fetch::Url;
use hongyan_kv::Transaction;
use hongyan_sasl::Secret;
use hongyan_seal::SealError;
use hongyan_types::TenantId;

use crate::record::{self, ProviderRecord};
use crate::{OpenId, OpenIdError};

/// Longest texts.
const LABEL_CHARACTERS_MAX: usize = 64;
const CLIENT_CHARACTERS_MAX: usize = 255;
const SECRET_OCTETS_MAX: usize = 1_024;

/// How members of an organisation sign in elsewhere.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Who the provider is, in its own words: an URL.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What we prove ourselves with; a public client has none.
    pub client_secret: Option<Secret>,
    /// What members read on the button.
    pub label: String,
    /// Whether an account is linked with whoever comes with its address, which the provider has verified.
    pub link_by_mail: bool,
    /// Whether whoever comes with a verified address in one of the organisation's domains gets an account.
    pub create_members: bool,
    /// Whether the provider asks for a second factor itself, so that ours is not asked.
    pub vouches_second_factor: bool,
}

/// Who comes in whom a provider names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether an account is linked with whoever comes with its address, which the provider has verified.
    pub link_by_mail: bool,
    /// Whether whoever comes with a verified address in one of the organisation's domains gets an account.
    pub create_members: bool,
    /// Whether the provider asks for a second factor itself, so that ours is not asked.
    pub vouches_second_factor: bool,
}

/// The settings to be.
#[derive(Debug, Clone)]
pub struct ProviderChange {
    /// All but the secret.
    pub settings: ProviderSettings,
    /// Whether the secret that is there stays, whatever `settings` says of it.
    pub keep_secret: bool,
    /// What is to be changed, as it was seen; nothing when it may be anything.
    pub expect: Option<Etag>,
}

impl ProviderSettings {
    fn check(&self, is_allowed: impl Fn(&Url) -> bool) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Invalid(text.to_owned()));
        match Url::read(&self.issuer) {
            Ok(url) if !self.issuer.contains('?') && is_allowed(&url) => {}
            _ => return wrong("the issuer is an URL of https, without a query"),
        }
        let is_text = |text: &str, max: usize| {
            let count = text.chars().count();
            (1..=max).contains(&count) && !text.chars().any(char::is_control)
        };
        if !is_text(&self.client_id, CLIENT_CHARACTERS_MAX) {
            return wrong("the client id has 1 to 255 characters");
        }
        if !is_text(&self.label, LABEL_CHARACTERS_MAX) {
            return wrong("the label has 1 to 64 characters");
        }
        let secret = self.client_secret.as_ref().map_or(1, |secret| secret.reveal().len());
        if !(1..=SECRET_OCTETS_MAX).contains(&secret) {
            return wrong("the client secret has 1 to 1024 octets");
        }
        Ok(())
    }
}

impl ProviderSettings {
    pub(crate) fn admission(&self) -> Admission {
        Admission {
            link_by_mail: self.link_by_mail,
            create_members: self.create_members,
            vouches_second_factor: self.vouches_second_factor,
        }
    }
    fn of(record: ProviderRecord, secret: Option<Secret>) -> Self {
        Self {
            issuer: record.issuer,
            client_id: record.client_id,
            client_secret: secret,
            label: record.label,
            link_by_mail: record.link_by_mail,
            create_members: record.create_members,
            vouches_second_factor: record.vouches_second_factor,
        }
    }
}

impl OpenId {
    fn open_secret(&self, tenant: TenantId, record: &ProviderRecord) -> Result<Option<Secret>, SealError> {
        let Some(kept) = record.secret() else {
            return Ok(None);
        };
        let place = record::secret_place(tenant);
        let secret = self.0.directory.sealer().reveal(&place, &kept)?;
        let text = String::from_utf8(secret.to_vec()).map_err(|_| SealError::Form)?;
        Ok(Some(Secret::new(text)))
    }

    /// The provider of an organisation, if it has one. A secret that does not open is none: it has to be set anew.
    ///
    /// # Errors
    /// `Access`: the store's.
    pub async fn provider(&self, tenant: TenantId) -> Result<Option<ProviderSettings>, OpenIdError> {
        let Some(record) = self.provider_record(tenant).await? else {
            return Ok(None);
        };
        let secret = self.open_secret(tenant, &record).unwrap_or_else(|error| {
            tracing::warn!(event = "secret_unreadable", what = "openid client secret", tenant = tenant.0, %error);
            None
        });
        Ok(Some(ProviderSettings::of(record, secret)))
    }

    /// What names the provider of an organisation as it is now, with its secret.
    ///
    /// # Errors
    /// `NoProvider`; `Access`: the store's.
    pub async fn provider_etag(&self, tenant: TenantId) -> Result<Etag, OpenIdError> {
        let record = self.provider_record(tenant).await?.ok_or(OpenIdError::NoProvider)?;
        Ok(Etag::of(&record::encode(&record)))
    }

    async fn provider_record(&self, tenant: TenantId) -> Result<Option<ProviderRecord>, OpenIdError> {
        let key = record::provider_key(tenant);
        let read = async move |transaction: &mut Transaction| {
            let stored = transaction.get_snapshot(&key).await?;
            let record = stored
                .map(|stored| record::decode::<ProviderRecord>(&stored))
                .transpose()?;
            Ok::<_, hongyan_kv::Error>(record)
        };
        Ok(self.0.database.run(read).await?)
    }

    pub(crate) async fn need_provider(&self, tenant: TenantId) -> Result<ProviderSettings, OpenIdError> {
        let record = self.provider_record(tenant).await?.ok_or(OpenIdError::NoProvider)?;
        let secret = self.open_secret(tenant, &record)?;
        Ok(ProviderSettings::of(record, secret))
    }

    /// Sets the provider of an organisation. Sessions and links stay: links are of the issuer.
    ///
    /// # Errors
    /// `Access` with the directory's `Invalid`; the store's.
    pub async fn set_provider(
        &self,
        directory: &Directory,
        tenant: TenantId,
        change: &ProviderChange,
    ) -> Result<ProviderSettings, OpenIdError> {
        let settings = &change.settings;
        settings.check(|url| self.0.fetcher.may_lead_to(url))?;
        let (sealer, place) = (directory.sealer(), record::secret_place(tenant));
        let secret = settings
            .client_secret
            .as_ref()
            .map(|secret| sealer.keep(&place, secret.reveal().as_bytes()))
            .transpose()?;
        let mut record = ProviderRecord {
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            client_secret: None,
            label: settings.label.clone(),
            link_by_mail: settings.link_by_mail,
            create_members: settings.create_members,
            vouches_second_factor: settings.vouches_second_factor,
            sealed_secret: None,
        };
        record.set_secret(secret);
        let (keep, name) = (change.keep_secret, directory.tenant(tenant).await?.name.clone());
        let expect = change.expect;
        let set = async move |change: &mut Change| {
            let key = record::provider_key(tenant);
            let mut record = record.clone();
            let stored = change.get(&key).await?;
            let before = stored.map(|stored| record::decode::<ProviderRecord>(&stored));
            let before = before.transpose().map_err(hongyan_kv::Error::from)?;
            let present = before.as_ref().map(|before| Etag::of(&record::encode(before)));
            if expect.is_some() && expect != present {
                return Err(Error::Changed {
                    what: "single sign-on of",
                    name: name.clone(),
                });
            }
            if keep {
                // A secret is for the provider that gave it.
                let same = before.as_ref().filter(|before| before.issuer == record.issuer);
                record.set_secret(same.and_then(ProviderRecord::secret));
            }
            if before.as_ref() != Some(&record) {
                change.set(key, record::encode(&record));
                let event = Event::new("organisation.single-sign-on", &name)
                    .id(tenant.0)
                    .with("issuer", &record.issuer)
                    .with("client_id", &record.client_id)
                    .with("has_secret", record.secret().is_some())
                    .with("link_by_mail", record.link_by_mail)
                    .with("create_members", record.create_members)
                    .with("vouches_second_factor", record.vouches_second_factor);
                change.record(Chain::Tenant(tenant), event);
                change.tell_of_organisation(tenant);
            }
            Ok(record)
        };
        let (record, _) = directory.announce(set).await?;
        self.0.known.lock().remove(&tenant);
        let secret = self.open_secret(tenant, &record).unwrap_or_default();
        Ok(ProviderSettings::of(record, secret))
    }

    /// Takes the provider of an organisation away. Its members sign in with what they have here; sessions stay.
    ///
    /// # Errors
    /// `NoProvider`; `Access`: the store's.
    pub async fn remove_provider(&self, directory: &Directory, tenant: TenantId) -> Result<(), OpenIdError> {
        let key = record::provider_key(tenant);
        let removed = forget_provider(directory, tenant, key, |name| {
            Event::new("organisation.remove-single-sign-on", name)
        })
        .await;
        self.0.known.lock().remove(&tenant);
        removed
    }
}

/// Clears the `key` at which the provider of an organisation is; `event` is what the audit log says of it, to an organisation of that name.
///
/// # Errors
/// `NoProvider`; `Access`: the store's.
pub async fn forget_provider(
    directory: &Directory,
    tenant: TenantId,
    key: Bytes,
    event: fn(&str) -> Event,
) -> Result<(), OpenIdError> {
    let name = directory.tenant(tenant).await?.name.clone();
    let forget = async move |change: &mut Change| {
        let is_there = change.get(&key).await?.is_some();
        if is_there {
            change.clear(&key);
            change.record(Chain::Tenant(tenant), event(&name).id(tenant.0));
            change.tell_of_organisation(tenant);
        }
        Ok(is_there)
    };
    let (was_there, _) = directory.announce(forget).await?;
    was_there.then_some(()).ok_or(OpenIdError::NoProvider)
}
