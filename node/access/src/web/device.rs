//! Trusted devices (AUTH-19): a browser that need not show the second factor for a time.
//!
//! What it keeps names the device and a secret; here is its hash. The trust is for one account, ends with its password, and
//! is taken back by whoever looks at the list.

use std::net::IpAddr;

use hongyan_audit::Event;
use hongyan_directory::{AccountRecord, Directory, Error, Login};
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Timestamp};

use super::record::{self, DeviceRecord};
use super::session::{Found, hash, new_token};
use super::sign_in::shown;
use crate::identity::standing_of;
use crate::{Access, AccessError};

/// Longest name of a device.
const NAME_CHARACTERS_MAX: usize = 64;
const DAY_MILLIS: i64 = 86_400_000;

/// A device that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedDevice {
    /// Its number: random.
    pub id: u64,
    /// What its owner calls it.
    pub name: String,
    /// From where it was used last.
    pub peer: String,
    /// Since when it is trusted.
    pub created: Timestamp,
    /// When it was used last.
    pub seen: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

/// The device's number and its secret, as they stand in what it keeps.
fn read(token: &str) -> Option<(u64, &str)> {
    let (id, secret) = token.split_once('.')?;
    Some((u64::from_str_radix(id, 16).ok()?, secret))
}

impl Access {
    /// Whether what a browser keeps makes it one of the account's trusted devices.
    pub(super) async fn knows_device(&self, login: &Login, token: &str, peer: IpAddr) -> Result<bool, AccessError> {
        let Some((id, secret)) = read(token) else {
            return Ok(false);
        };
        let shown = hash(self, "trusted device", secret);
        let credential = standing_of(login);
        let now = self.0.env.wall_millis();
        let key = record::device_key(login.id(), id);
        let peer = peer.to_canonical().to_string();
        let look = async move |transaction: &mut Transaction| {
            let Some(stored) = transaction.get(&key).await? else {
                return Ok(false);
            };
            let mut device = record::decode_device(&stored)?;
            let is_it = blake3::Hash::from(device.hash) == blake3::Hash::from(shown);
            if !is_it || device.credential != credential || device.end_millis <= now {
                return Ok(false);
            }
            device.seen_millis = now;
            device.peer.clone_from(&peer);
            transaction.set(key.clone(), record::encode_device(&device));
            Ok::<_, hongyan_kv::Error>(true)
        };
        Ok(self.0.database.run(look).await.map_err(Error::from)?)
    }

    /// Trusts the device of a session that has shown the second factor, unless that is switched off. The devices used least
    /// lately make room.
    pub(super) async fn trust_device(&self, found: &Found, name: &str) -> Result<Option<Secret>, AccessError> {
        let inner = &self.0;
        let (days, max) = (inner.options.trusted_device_days, inner.options.trusted_devices_max);
        if days == 0 || max == 0 {
            return Ok(None);
        }
        let now = inner.env.wall_millis();
        let account = found.login.id();
        let id = inner.env.random_u64();
        let secret = new_token(self);
        let name = match shown(name.trim(), NAME_CHARACTERS_MAX) {
            empty if empty.is_empty() => shown(&found.record.client, NAME_CHARACTERS_MAX),
            name => name,
        };
        let device = DeviceRecord {
            hash: hash(self, "trusted device", secret.reveal()),
            credential: found.record.credential,
            name,
            peer: found.record.peer.clone(),
            created_millis: now,
            seen_millis: now,
            end_millis: now.saturating_add(i64::from(days).saturating_mul(DAY_MILLIS)),
        };
        let trust = async move |transaction: &mut Transaction| {
            let mut present = read_devices(transaction, account).await?;
            present.retain(|(_, present)| present.end_millis > now && present.credential == device.credential);
            present.sort_unstable_by_key(|(_, device)| device.seen_millis);
            let keep = max.saturating_sub(1);
            let kept: Vec<_> = present.into_iter().rev().take(keep).collect();
            transaction.clear_range(record::devices(account).range());
            for (id, device) in kept {
                transaction.set(record::device_key(account, id), record::encode_device(&device));
            }
            transaction.set(record::device_key(account, id), record::encode_device(&device));
            Ok::<_, hongyan_kv::Error>(())
        };
        inner.database.run(trust).await.map_err(Error::from)?;
        Ok(Some(Secret::new(format!("{id:x}.{}", secret.reveal()))))
    }

    /// The trusted devices of an account, by the time of their last use.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn trusted_devices(&self, account: AccountId) -> Result<Vec<TrustedDevice>, AccessError> {
        let now = self.0.env.wall_millis();
        let login = self.0.directory.login_of(account).await?;
        let credential = login.as_ref().map(standing_of);
        let read = async move |transaction: &mut Transaction| read_devices(transaction, account).await;
        let mut devices = self.0.database.run(read).await.map_err(Error::from)?;
        devices.retain(|(_, device)| device.end_millis > now && Some(device.credential) == credential);
        devices.sort_unstable_by_key(|(id, device)| (device.seen_millis, *id));
        let at = |millis| Timestamp { millis };
        let view = |(id, device): (u64, DeviceRecord)| TrustedDevice {
            id,
            name: device.name,
            peer: device.peer,
            created: at(device.created_millis),
            seen: at(device.seen_millis),
            end: at(device.end_millis),
        };
        Ok(devices.into_iter().map(view).collect())
    }

    /// Trusts one device no more, or, without `id`, none.
    ///
    /// # Errors
    /// `Directory`: `NotFound`.
    pub async fn distrust(
        &self,
        directory: &Directory,
        account: &AccountRecord,
        id: Option<u64>,
    ) -> Result<(), AccessError> {
        let (owner, address) = (account.id, account.address.to_string());
        let chain = hongyan_audit::Chain::Tenant(account.tenant);
        let distrust = async move |change: &mut hongyan_directory::Change| {
            let mut event = Event::new("member.distrust-device", &address).id(owner.0);
            if let Some(id) = id {
                let key = record::device_key(owner, id);
                let stored = change.get(&key).await?.ok_or_else(|| Error::NotFound {
                    what: "device",
                    name: format!("{id:016x}"),
                })?;
                event = event.with("device", record::decode_device(&stored)?.name);
                change.clear(&key);
            } else {
                change.clear_range(record::devices(owner).range());
                event = event.with("device", "all");
            }
            change.record(chain, event);
            Ok(())
        };
        directory.announce(distrust).await?;
        Ok(())
    }
}

async fn read_devices(
    transaction: &mut Transaction,
    account: AccountId,
) -> hongyan_kv::Result<Vec<(u64, DeviceRecord)>> {
    let prefix = record::devices(account);
    let query = RangeQuery {
        mode: ReadMode::Serializable,
        ..RangeQuery::all(prefix.range())
    };
    let mut devices = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        let corrupt = |_| hongyan_kv::Error::Corrupt("key of a trusted device".to_owned());
        let mut reader = prefix.reader(&pair.key).map_err(corrupt)?;
        let id = reader.int::<u64>().map_err(corrupt)?;
        devices.push((id, record::decode_device(&pair.value)?));
    }
    Ok(devices)
}
