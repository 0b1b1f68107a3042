//! The notices that are not sent yet, and those that administrators got.

use std::time::Duration;

use hongyan_kv::record::RecordError;
use hongyan_kv::{KeyRange, RangeQuery, Result, Transaction, Tuple};
use hongyan_types::{AccountId, TenantId, Timestamp};

use crate::{Notice, NoticeId, Recipient, record};

/// A notice that is not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// It.
    pub notice: Notice,
    /// How often sending it failed.
    pub attempts: u32,
    /// When it was to be sent, part of its key.
    at: Timestamp,
}

/// What administrators were told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The notice.
    pub notice: Notice,
    /// Where a list goes on behind it.
    pub place: (Timestamp, NoticeId),
}

fn queue() -> Tuple {
    Tuple::new().string("notice").string("due")
}

fn told_to(tenant: TenantId) -> Tuple {
    Tuple::new().string("notice").string("told").int(tenant.0)
}

fn read_by(tenant: TenantId) -> Tuple {
    Tuple::new().string("notice").string("read").int(tenant.0)
}

fn key(tuple: Tuple, at: Timestamp, id: NoticeId) -> bytes::Bytes {
    tuple.int(at.millis).bytes(&id.0).pack()
}

/// What a key below `tuple` ends with.
fn place(tuple: &Tuple, key: &[u8]) -> Option<(Timestamp, NoticeId)> {
    let mut reader = tuple.reader(key).ok()?;
    let millis = reader.int().ok()?;
    let id = reader.bytes().ok()?;
    let id = id.as_slice().try_into().ok()?;
    Some((Timestamp { millis }, NoticeId(id)))
}

/// Has `notice` sent once the transaction is committed.
pub fn write(transaction: &mut Transaction, notice: &Notice) {
    transaction.set(key(queue(), notice.at, notice.id), record::encode(notice, 0));
    if let Recipient::Administrators(tenant) = notice.to {
        transaction.set(key(told_to(tenant), notice.at, notice.id), record::encode(notice, 0));
    }
}

/// What is to be sent at `now`, the oldest first.
///
/// # Errors
/// When storage fails.
pub async fn due(transaction: &mut Transaction, now: Timestamp, limit: usize) -> Result<Vec<Due>> {
    let mut range = queue().range();
    range.end = queue().int(now.millis.saturating_add(1)).pack();
    let found = transaction
        .get_range(RangeQuery {
            limit,
            ..RangeQuery::all(range)
        })
        .await?;
    let mut due = Vec::with_capacity(found.pairs.len());
    for pair in found.pairs {
        // One that a later release wrote waits for a node of that release.
        if let Some((at, id)) = place(&queue(), &pair.key)
            && let Ok((notice, attempts)) = record::decode(id, &pair.value)
        {
            due.push(Due { notice, attempts, at });
        }
    }
    Ok(due)
}

/// It is sent, or never will be.
pub fn done(transaction: &mut Transaction, due: &Due) {
    transaction.clear(&key(queue(), due.at, due.notice.id));
}

/// It is tried again later, when it is still there.
///
/// # Errors
/// When storage fails.
pub async fn put_off(transaction: &mut Transaction, due: &Due, until: Timestamp) -> Result<()> {
    let present = key(queue(), due.at, due.notice.id);
    if transaction.get(&present).await?.is_some() {
        transaction.clear(&present);
        let stored = record::encode(&due.notice, due.attempts.saturating_add(1));
        transaction.set(key(queue(), until, due.notice.id), stored);
    }
    Ok(())
}

/// What a tenant's administrators were told, the latest first, from behind `after` on.
///
/// # Errors
/// When storage fails or a record cannot be read.
pub async fn told(
    transaction: &mut Transaction,
    tenant: TenantId,
    after: Option<(Timestamp, NoticeId)>,
    limit: usize,
) -> Result<Vec<Told>> {
    let mut range = told_to(tenant).range();
    if let Some((at, id)) = after {
        range.end = key(told_to(tenant), at, id);
    }
    let query = RangeQuery {
        limit,
        reverse: true,
        ..RangeQuery::all(range)
    };
    let mut told = Vec::new();
    for pair in transaction.get_range(query).await?.pairs {
        let place = place(&told_to(tenant), &pair.key).ok_or(RecordError::Truncated)?;
        let (notice, _) = record::decode(place.1, &pair.value)?;
        told.push(Told { notice, place });
    }
    Ok(told)
}

/// What administrators of a tenant were told before `until` is forgotten.
pub fn forget(transaction: &mut Transaction, tenant: TenantId, until: Timestamp) {
    for tuple in [told_to(tenant), read_by(tenant)] {
        transaction.clear_range(KeyRange {
            end: tuple.clone().int(until.millis).pack(),
            ..tuple.range()
        });
    }
}

/// Whether the administrator `reader` has read what was told at `place`.
///
/// # Errors
/// The store's.
pub async fn is_read(
    transaction: &mut Transaction,
    tenant: TenantId,
    place: (Timestamp, NoticeId),
    reader: AccountId,
) -> Result<bool> {
    let key = read_key(tenant, place, reader);
    Ok(transaction.get_snapshot(&key).await?.is_some())
}

/// Notes that the administrator `reader` has read what was told at `place`, or has not; false when there is no such thing.
///
/// # Errors
/// The store's.
pub async fn set_read(
    transaction: &mut Transaction,
    tenant: TenantId,
    place: (Timestamp, NoticeId),
    (reader, is_read): (AccountId, bool),
) -> Result<bool> {
    if transaction
        .get(&key(told_to(tenant), place.0, place.1))
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let key = read_key(tenant, place, reader);
    if is_read {
        transaction.set(key, Vec::new());
    } else {
        transaction.clear(&key);
    }
    Ok(true)
}

fn read_key(tenant: TenantId, (at, id): (Timestamp, NoticeId), reader: AccountId) -> bytes::Bytes {
    read_by(tenant).int(at.millis).bytes(&id.0).int(reader.0).pack()
}

impl Due {
    /// How long to wait after a failure: a minute, and twice as long each time, up to an hour.
    #[must_use]
    pub fn pause(&self) -> Duration {
        Duration::from_secs(60 << self.attempts.min(6)).min(Duration::from_secs(3600))
    }
}
