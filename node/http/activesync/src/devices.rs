//! The devices of accounts in the store, for the service, and for those who look after devices: members and administrators.

use bytes::Bytes;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{AccountRecord, Change, Directory};
use hongyan_kv::{Error, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_mailbox::FolderId;
use hongyan_types::{AccountId, Timestamp};

use crate::record::{self, CollectionRecord, DeviceRecord, HierarchyRecord, SentRecord, Wipe};

/// Records read at a time.
const PAGE: usize = 1_000;
/// Names of sent mails that are remembered of a device.
const SENT_MAX: usize = 256;

/// A device as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What it calls itself.
    pub id: String,
    /// What it calls its kind.
    pub kind: String,
    /// The program.
    pub user_agent: String,
    /// The model.
    pub model: String,
    /// The operating system.
    pub os: String,
    /// What its owner calls it.
    pub friendly_name: String,
    /// The protocol version it last spoke.
    pub version: String,
    /// When it first came.
    pub first_seen: Timestamp,
    /// When it last came, to the hour.
    pub last_seen: Timestamp,
    /// How far the removal of the account's data is.
    pub wipe: Wipe,
}

/// The devices of all accounts.
#[derive(Clone)]
pub struct Devices {
    directory: Directory,
}

impl Devices {
    /// Those of a directory's accounts; what is done is its actor's.
    #[must_use]
    pub fn new(directory: &Directory) -> Self {
        Self {
            directory: directory.clone(),
        }
    }

    /// The devices of an account, by what they call themselves.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, account: AccountId) -> Result<Vec<Device>, Error> {
        let mut transaction = self.directory.database().begin();
        let found = list(&mut transaction, account).await?;
        Ok(found.into_iter().map(|(id, record)| shown(id, record)).collect())
    }

    /// Forgets a device; it is a new one when it comes again.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn remove(&self, account: &AccountRecord, id: &str) -> hongyan_directory::Result<()> {
        let (owner, address, id) = (account.id, account.address.to_string(), id.to_owned());
        let tenant = account.tenant;
        let remove = async move |change: &mut Change| {
            need(change, owner, &id).await?;
            forget(change, owner, &id);
            // What it waits for is cut.
            change.wake(tenant, owner);
            change.clear(&record::device(owner, &id));
            let event = Event::new("member.remove-active-sync-device", &address).id(owner.0);
            change.record(Chain::Tenant(tenant), event.with("device", &id));
            Ok(())
        };
        self.directory.announce(remove).await.map(|_| ())
    }

    /// Has the account's data removed from a device, or takes that back.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn set_wipe(&self, account: &AccountRecord, id: &str, wanted: bool) -> hongyan_directory::Result<Device> {
        let (owner, address, id) = (account.id, account.address.to_string(), id.to_owned());
        let tenant = account.tenant;
        let set = async move |change: &mut Change| {
            let mut device = need(change, owner, &id).await?;
            device.set_wipe(if wanted { Wipe::Asked } else { Wipe::None });
            // Whatever it does next, it has to ask for the policy first, and hears of it there.
            (device.policy_key, device.offered_key) = (0, 0);
            change.set(record::device(owner, &id), device.encode());
            let event = Event::new("member.wipe-active-sync-device", &address).id(owner.0);
            let event = event.with("device", &id).with("wipe", device.wipe().label());
            change.wake(tenant, owner);
            change.record(Chain::Tenant(tenant), event);
            Ok(shown(id.clone(), device))
        };
        self.directory.announce(set).await.map(|(device, _)| device)
    }
}

async fn need(change: &mut Change, account: AccountId, id: &str) -> hongyan_directory::Result<DeviceRecord> {
    let found = device(change, account, id).await?;
    found.ok_or_else(|| hongyan_directory::Error::NotFound {
        what: "ActiveSync device",
        name: id.to_owned(),
    })
}

fn shown(id: String, record: DeviceRecord) -> Device {
    let wipe = record.wipe();
    let at = |millis| Timestamp { millis };
    Device {
        id,
        kind: record.kind,
        user_agent: record.user_agent,
        model: record.model,
        os: record.os,
        friendly_name: record.friendly_name,
        version: record.version,
        first_seen: at(record.first_seen_millis),
        last_seen: at(record.last_seen_millis),
        wipe,
    }
}

/// All devices of an account.
pub(crate) async fn list(
    transaction: &mut Transaction,
    account: AccountId,
) -> Result<Vec<(String, DeviceRecord)>, Error> {
    let space = record::devices(account);
    let mut found = Vec::new();
    for (key, value) in all(transaction, &space).await? {
        let id = space.reader(&key).and_then(|mut reader| reader.string());
        let id = id.map_err(|error| Error::Corrupt(error.to_string()))?;
        found.push((id, DeviceRecord::decode(&value)?));
    }
    Ok(found)
}

async fn all(transaction: &mut Transaction, space: &Tuple) -> Result<Vec<(Bytes, Bytes)>, Error> {
    let query = RangeQuery {
        range: space.range(),
        limit: PAGE,
        reverse: false,
        mode: ReadMode::Serializable,
    };
    let pairs = transaction.get_range_all(query).await?;
    Ok(pairs.into_iter().map(|pair| (pair.key, pair.value)).collect())
}

/// Forgets what a device was told.
pub(crate) fn forget(transaction: &mut Transaction, account: AccountId, id: &str) {
    transaction.clear(&record::hierarchy(account, id));
    transaction.clear_range(record::collections(account, id).range());
    transaction.clear(&record::sent(account, id));
}

/// What is kept of a device.
pub(crate) async fn device(
    transaction: &mut Transaction,
    account: AccountId,
    id: &str,
) -> Result<Option<DeviceRecord>, Error> {
    let stored = transaction.get(&record::device(account, id)).await?;
    stored.as_deref().map(DeviceRecord::decode).transpose()
}

/// The folders as a device was told of them.
pub(crate) async fn hierarchy(
    transaction: &mut Transaction,
    account: AccountId,
    id: &str,
) -> Result<Option<HierarchyRecord>, Error> {
    let stored = transaction.get(&record::hierarchy(account, id)).await?;
    stored.as_deref().map(HierarchyRecord::decode).transpose()
}

/// How far a device was told of a folder.
pub(crate) async fn collection(
    transaction: &mut Transaction,
    account: AccountId,
    id: &str,
    folder: FolderId,
) -> Result<Option<CollectionRecord>, Error> {
    let stored = transaction.get(&record::collection(account, id, folder)).await?;
    stored.as_deref().map(CollectionRecord::decode).transpose()
}

/// Notes that a device sends a mail that it has a name for; `false` when it has sent it before.
pub(crate) async fn note_sent(
    transaction: &mut Transaction,
    account: AccountId,
    id: &str,
    name: u64,
) -> Result<bool, Error> {
    let key = record::sent(account, id);
    let stored = transaction.get(&key).await?;
    let mut sent = stored
        .as_deref()
        .map(SentRecord::decode)
        .transpose()?
        .unwrap_or_default();
    if sent.names.contains(&name) {
        return Ok(false);
    }
    if sent.names.len() >= SENT_MAX {
        sent.names.remove(0);
    }
    sent.names.push(name);
    transaction.set(key, sent.encode());
    Ok(true)
}
