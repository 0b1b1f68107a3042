//! The keys of an organisation as identity provider: RSA, shared by all nodes through the store, sealed there. One signs. Others are
//! shown beside it in our metadata, so that applications have a certificate before its key signs, and still have it after.

use std::sync::Arc;

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Change, Directory, Error};
use hongyan_kv::{RangeQuery, Transaction};
use hongyan_openid::OpenIdError;
use hongyan_seal::{Holder, Kept, Place, SealError, Sealer};
use hongyan_types::{TenantId, Timestamp};
use ring::signature::RsaKeyPair;

use super::record::{self, KeyRecord};
use super::rsa;
use crate::{Certificate, Saml, SamlError};

/// The keys of organisations as identity providers, for sealing them again.
pub const KEY_SECRETS: Holder = Holder {
    kind: "saml key",
    range: || record::all_keys().range(),
    again,
};

fn place(id: u64) -> Place {
    Place::new("saml key", id)
}

fn again(sealer: &Sealer, key: &[u8], stored: &[u8]) -> Result<Option<Bytes>, SealError> {
    let id = record::all_keys().reader(key).and_then(|mut reader| {
        reader.int::<u64>()?;
        reader.int::<u64>()
    });
    let (Ok(id), Ok(mut known)) = (id, record::decode::<KeyRecord>(stored)) else {
        return Ok(None);
    };
    let again = sealer.again(&place(id), &Kept::Sealed(std::mem::take(&mut known.sealed)))?;
    Ok(again.and_then(|kept| {
        known.sealed = kept.to_fields().1?;
        Some(record::encode(&known))
    }))
}

/// A key, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownKey {
    /// Its number among all.
    pub id: u64,
    /// The certificate that applications verify with.
    pub certificate: Certificate,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is the one that signs.
    pub signs: bool,
}

/// The key that signs, open.
pub(crate) struct Signer {
    pub(super) pair: RsaKeyPair,
    pub(super) certificate: Certificate,
}

fn corrupt(what: &str) -> SamlError {
    hongyan_kv::Error::Corrupt(what.to_owned()).into()
}

async fn read(transaction: &mut Transaction, tenant: TenantId) -> hongyan_kv::Result<Vec<(u64, KeyRecord)>> {
    let prefix = record::keys(tenant);
    let mut known = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let id = prefix.reader(&pair.key).and_then(|mut reader| reader.int());
        let id = id.map_err(|_| hongyan_kv::Error::Corrupt("key of a SAML key".to_owned()))?;
        known.push((id, record::decode(&pair.value)?));
    }
    Ok(known)
}

fn missing(id: u64) -> Error {
    Error::NotFound {
        what: "certificate",
        name: format!("{id:016x}"),
    }
}

impl Saml {
    async fn new_key(&self, signs: bool) -> Result<(u64, KeyRecord), SamlError> {
        let (env, inner) = (self.0.env.clone(), Arc::clone(&self.0));
        let name = inner.options.web_origin.clone();
        let made = env.run_blocking(move || rsa::make(&inner.env, &name)).await;
        let made = made.map_err(|_| OpenIdError::Overloaded)?;
        let made = made.map_err(|_| corrupt("an RSA key cannot be made"))?;
        let id = env.random_u64();
        let sealed = self.0.directory.sealer().seal(&place(id), &made.key);
        let key = KeyRecord {
            sealed: sealed.map_err(OpenIdError::Sealed)?,
            certificate: made.certificate,
            created_millis: env.wall_millis(),
            signs,
        };
        Ok((id, key))
    }

    /// The keys of an organisation; the first one is made when somebody looks.
    async fn known_keys(&self, tenant: TenantId) -> Result<Vec<(u64, KeyRecord)>, SamlError> {
        let look = async move |transaction: &mut Transaction| read(transaction, tenant).await;
        let known = self.0.database.run(look).await?;
        if known.iter().any(|(_, key)| key.signs) {
            return Ok(known);
        }
        self.0.directory.tenant(tenant).await?;
        let (id, first) = self.new_key(true).await?;
        let make = async move |transaction: &mut Transaction| {
            let mut known = read(transaction, tenant).await?;
            // Another node may have been here before.
            if !known.iter().any(|(_, key)| key.signs) {
                transaction.set(record::key_key(tenant, id), record::encode(&first));
                known.push((id, first.clone()));
            }
            Ok::<_, hongyan_kv::Error>(known)
        };
        Ok(self.0.database.run(make).await?)
    }

    /// The key that signs. One that does not open has to be followed by another: applications know no other one.
    pub(crate) async fn signer(&self, tenant: TenantId) -> Result<Signer, SamlError> {
        let known = self.known_keys(tenant).await?;
        let signs = known.into_iter().find(|(_, key)| key.signs);
        let (id, key) = signs.ok_or_else(|| corrupt("no SAML key signs"))?;
        let opened = self.0.directory.sealer().open(&place(id), &key.sealed);
        let opened = opened.map_err(|error| {
            tracing::warn!(event = "secret_unreadable", what = "SAML key", tenant = tenant.0, %error);
            OpenIdError::Sealed(error)
        })?;
        Ok(Signer {
            pair: RsaKeyPair::from_pkcs8(&opened).map_err(|_| corrupt("a SAML key"))?,
            certificate: Certificate::of(key.certificate)?,
        })
    }

    /// The keys of an organisation as identity provider, the one that signs first. The first one is made here.
    ///
    /// # Errors
    /// `SignIn`: there is no such organisation; the store's.
    pub async fn keys(&self, tenant: TenantId) -> Result<Vec<ShownKey>, SamlError> {
        let mut shown = Vec::new();
        for (id, key) in self.known_keys(tenant).await? {
            shown.push(ShownKey {
                id,
                certificate: Certificate::of(key.certificate)?,
                created: Timestamp {
                    millis: key.created_millis,
                },
                signs: key.signs,
            });
        }
        shown.sort_by_key(|key| (!key.signs, key.created));
        Ok(shown)
    }

    /// Makes the next key of an organisation: shown from now on, signing when it is told to. Its number.
    ///
    /// # Errors
    /// `SignIn`: the directory's `Limit`; the store's.
    pub async fn make_key(&self, directory: &Directory, tenant: TenantId) -> Result<u64, SamlError> {
        self.known_keys(tenant).await?;
        let name = directory.tenant(tenant).await?.name.clone();
        let (id, next) = self.new_key(false).await?;
        let max = self.0.options.keys_max;
        let make = async move |change: &mut Change| {
            let present = read(change, tenant).await?.len();
            if present >= max {
                return Err(Error::Limit {
                    setting: "saml_keys_max",
                    max: max as u64,
                    used: present as u64,
                });
            }
            change.set(record::key_key(tenant, id), record::encode(&next));
            let event = Event::new("organisation.make-saml-key", &name).id(tenant.0);
            change.record(Chain::Tenant(tenant), event.with("key", format!("{id:016x}")));
            Ok(())
        };
        directory.announce(make).await?;
        Ok(id)
    }

    /// Has a key of an organisation sign from now on. The one before stays shown.
    ///
    /// # Errors
    /// `SignIn`: the directory's `NotFound`; the store's.
    pub async fn sign_with(&self, directory: &Directory, tenant: TenantId, id: u64) -> Result<(), SamlError> {
        let name = directory.tenant(tenant).await?.name.clone();
        let switch = async move |change: &mut Change| {
            let known = read(change, tenant).await?;
            if !known.iter().any(|(known, _)| *known == id) {
                return Err(missing(id));
            }
            for (known, mut key) in known {
                if key.signs != (known == id) {
                    key.signs = known == id;
                    change.set(record::key_key(tenant, known), record::encode(&key));
                }
            }
            let event = Event::new("organisation.sign-with-saml-key", &name).id(tenant.0);
            change.record(Chain::Tenant(tenant), event.with("key", format!("{id:016x}")));
            Ok(())
        };
        directory.announce(switch).await?;
        Ok(())
    }

    /// Takes away a key of an organisation that does not sign.
    ///
    /// # Errors
    /// `SignIn`: the directory's `NotFound`, `Refused` for the one that signs; the store's.
    pub async fn remove_key(&self, directory: &Directory, tenant: TenantId, id: u64) -> Result<(), SamlError> {
        let name = directory.tenant(tenant).await?.name.clone();
        let remove = async move |change: &mut Change| {
            let known = read(change, tenant).await?;
            let found = known.iter().find(|(known, _)| *known == id);
            let (_, key) = found.ok_or_else(|| missing(id))?;
            if key.signs {
                let why = "this one signs: have another one sign first";
                return Err(Error::Refused(why.to_owned()));
            }
            change.clear(&record::key_key(tenant, id));
            let event = Event::new("organisation.remove-saml-key", &name).id(tenant.0);
            change.record(Chain::Tenant(tenant), event.with("key", format!("{id:016x}")));
            Ok(())
        };
        directory.announce(remove).await?;
        Ok(())
    }
}
