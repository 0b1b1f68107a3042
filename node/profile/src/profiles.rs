//! Reads and changes profiles, each in one transaction.

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountRecord, Change, Directory, Subject, of_account, of_tenant};
use hongyan_kv::{RangeQuery, ReadMode, Tuple};
use hongyan_types::TenantId;
use serde_json::{Map, Value};

use crate::{Preferences, ProfileError, record};

/// A part of a picture: values are small (`hongyan_kv`).
const PART_OCTETS: usize = 64 << 10;

/// Profiles, over a directory that acts for whoever asks.
#[derive(Clone)]
pub struct Profiles {
    directory: Directory,
}

fn preferences_key(account: &AccountRecord) -> Bytes {
    of_account(account.id).string("preferences").pack()
}

fn avatar_keys(account: &AccountRecord) -> Tuple {
    of_account(account.id).string("avatar")
}

fn logo_keys(tenant: TenantId) -> Tuple {
    of_tenant(tenant).string("logo")
}

impl Profiles {
    /// Those of the directory's accounts and tenants.
    #[must_use]
    pub fn new(directory: &Directory) -> Self {
        Self {
            directory: directory.clone(),
        }
    }

    /// How a member likes to work.
    ///
    /// # Errors
    /// The store's only.
    pub async fn preferences(&self, account: &AccountRecord) -> Result<Preferences, ProfileError> {
        let account = account.clone();
        let body = async move |change: &mut Change| Ok(read(change, &account).await?);
        Ok(self.directory.try_out(body).await?)
    }

    /// Changes the fields in `change` and no others; null sets a field back.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`]; the store's.
    pub async fn change_preferences(
        &self,
        account: &AccountRecord,
        change: &Map<String, Value>,
    ) -> Result<Preferences, ProfileError> {
        let may_name = self.directory.page(account.tenant).await?.own_sender_names;
        if !may_name && change.get("sender_name").is_some_and(|name| !name.is_null()) {
            let text = "the organisation does not let members choose their sender name; ask an administrator";
            return Err(ProfileError::Invalid(format!("sender_name: {text}")));
        }
        let (account, change) = (account.clone(), change.clone());
        let body = async move |transaction: &mut Change| {
            let before = read(transaction, &account).await?;
            let after = match before.with(change.clone()) {
                Ok(after) if after == before => return Ok(Ok(before)),
                Ok(after) => after,
                Err(error) => return Ok(Err(error)),
            };
            transaction.set(preferences_key(&account), record::encode(&after));
            let fields: Vec<&str> = change.keys().map(String::as_str).collect();
            let event = Event::new("member.preferences", &account.address).with("fields", fields.join(", "));
            note(transaction, &account, event);
            Ok(Ok(after))
        };
        self.directory.transact(body).await?
    }

    /// A member's avatar, as JPEG.
    ///
    /// # Errors
    /// [`ProfileError::NotFound`]; the store's.
    pub async fn avatar(&self, account: &AccountRecord) -> Result<Vec<u8>, ProfileError> {
        self.picture(&avatar_keys(account), "avatar").await
    }

    /// Sets a member's avatar to a JPEG file of [`crate::avatar`], or takes it away.
    ///
    /// # Errors
    /// The store's only.
    pub async fn set_avatar(&self, account: &AccountRecord, file: Option<&[u8]>) -> Result<(), ProfileError> {
        let (account, file) = (account.clone(), file.map(<[u8]>::to_vec));
        let body = async move |change: &mut Change| {
            write(change, &avatar_keys(&account), file.as_deref());
            let how = if file.is_some() { "set" } else { "removed" };
            note(
                change,
                &account,
                Event::new("member.avatar", &account.address).with("how", how),
            );
            Ok(())
        };
        Ok(self.directory.transact(body).await?)
    }

    /// An organisation's logo, as PNG.
    ///
    /// # Errors
    /// [`ProfileError::NotFound`]; the store's.
    pub async fn logo(&self, tenant: TenantId) -> Result<Vec<u8>, ProfileError> {
        self.picture(&logo_keys(tenant), "logo").await
    }

    /// Sets an organisation's logo to a PNG file of [`crate::logo`], or takes it away.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn set_logo(&self, tenant: TenantId, file: Option<&[u8]>) -> Result<(), ProfileError> {
        let name = self.directory.tenant(tenant).await?.name.clone();
        let file = file.map(<[u8]>::to_vec);
        let body = async move |change: &mut Change| {
            write(change, &logo_keys(tenant), file.as_deref());
            let how = if file.is_some() { "set" } else { "removed" };
            let event = Event::new("organisation.logo", &name).id(tenant.0).with("how", how);
            change.record(Chain::Tenant(tenant), event);
            change.tell(tenant, Subject::Tenant);
            Ok(())
        };
        Ok(self.directory.transact(body).await?)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }
    pub(crate) async fn picture(&self, keys: &Tuple, what: &'static str) -> Result<Vec<u8>, ProfileError> {
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(keys.range())
        };
        let body = async move |change: &mut Change| Ok(change.get_range_all(query.clone()).await?);
        let parts = self.directory.try_out(body).await?;
        if parts.is_empty() {
            return Err(ProfileError::NotFound(what));
        }
        Ok(parts.iter().flat_map(|part| part.value.iter().copied()).collect())
    }
}

async fn read(change: &mut Change, account: &AccountRecord) -> hongyan_kv::Result<Preferences> {
    match change.get(&preferences_key(account)).await? {
        Some(stored) => Ok(record::decode(&stored)?),
        None => Ok(Preferences::default()),
    }
}

pub(crate) fn write(change: &mut Change, keys: &Tuple, file: Option<&[u8]>) {
    change.clear_range(keys.range());
    for (number, part) in file.unwrap_or_default().chunks(PART_OCTETS).enumerate() {
        change.set(keys.clone().int(number as u64).pack(), part.to_vec());
    }
}

pub(crate) fn note(change: &mut Change, account: &AccountRecord, event: Event) {
    change.record(Chain::Tenant(account.tenant), event.id(account.id.0));
    change.tell(account.tenant, Subject::Account(account.id));
}
