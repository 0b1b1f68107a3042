//! The change feed of each tenant: what was made, changed or removed, in order, for whoever keeps a copy or an eye on it.

use std::collections::BTreeSet;

use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Watch};
use hongyan_types::{TenantId, Timestamp};

use crate::follower::{hear_until, read_version_snapshot};
use crate::record::feed::{self, FeedEntry, Subject};
use crate::transaction::{last_int, read_int};
use crate::{Directory, Result, key};

/// How many changes of a tenant are kept.
const ENTRIES_KEPT_MAX: u64 = 10_000;
/// Subjects of one entry; a change of more makes several.
const SUBJECTS_MAX: usize = 1_000;

/// Part of a tenant's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The oldest first.
    pub entries: Vec<FeedEntry>,
    /// The number of the latest change there is.
    pub latest: u64,
    /// Changes between what was asked for and the first entry are no longer kept: look at everything anew.
    pub gap: bool,
}

pub(crate) async fn append(
    transaction: &mut Transaction,
    tenant: TenantId,
    subjects: BTreeSet<Subject>,
    at: Timestamp,
) -> hongyan_kv::Result<()> {
    let mut number = read_end(transaction, tenant).await?;
    let subjects: Vec<Subject> = subjects.into_iter().collect();
    for part in subjects.chunks(SUBJECTS_MAX) {
        number += 1;
        let entry = feed::encode(at, part.iter().cloned());
        transaction.set(key::feed(tenant).int(number).pack(), entry);
        if let Some(old) = number.checked_sub(ENTRIES_KEPT_MAX) {
            transaction.clear(&key::feed(tenant).int(old).pack());
        }
    }
    transaction.set(key::feed_end(tenant), number.to_le_bytes().to_vec());
    Ok(())
}

async fn read_end(transaction: &mut Transaction, tenant: TenantId) -> hongyan_kv::Result<u64> {
    match transaction.get(&key::feed_end(tenant)).await? {
        Some(stored) => read_int(&stored),
        None => Ok(0),
    }
}

impl Directory {
    /// Changes of a tenant after the number `after`, at most `limit`. What this node answers from memory afterwards has them all
    /// in it.
    ///
    /// # Errors
    /// The store's; `Storage` too when this node does not hear of changes in time.
    pub async fn feed(&self, tenant: TenantId, after: u64, limit: usize) -> Result<FeedPage> {
        let read = async move |transaction: &mut Transaction| read_page(transaction, tenant, after, limit).await;
        let (page, version) = self.database().run(read).await?;
        hear_until(self, version).await?;
        Ok(page)
    }

    /// As [`Self::feed`], with a watch that ends when more has changed than this page says, or when it is lost.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub async fn follow_feed(&self, tenant: TenantId, after: u64, limit: usize) -> Result<(FeedPage, Watch)> {
        let mut transaction = self.database().begin();
        let (page, version) = read_page(&mut transaction, tenant, after, limit).await?;
        let watch = transaction.watch(&key::feed_end(tenant));
        transaction.commit().await?;
        hear_until(self, version).await?;
        Ok((page, watch))
    }
}

/// A page, and the version of the whole directory that it is of.
async fn read_page(
    transaction: &mut Transaction,
    tenant: TenantId,
    after: u64,
    limit: usize,
) -> Result<(FeedPage, u64)> {
    let prefix = key::feed(tenant);
    let query = RangeQuery {
        range: KeyRange {
            begin: prefix.clone().int(after.saturating_add(1).min(u64::MAX >> 1)).pack(),
            end: prefix.range().end,
        },
        limit: limit.max(1),
        reverse: false,
        mode: ReadMode::Snapshot,
    };
    let latest = match transaction.get_snapshot(&key::feed_end(tenant)).await? {
        Some(stored) => read_int(&stored)?,
        None => 0,
    };
    let mut entries = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        entries.push(feed::decode(last_int(&prefix, &pair.key)?, &pair.value)?);
    }
    let gap = match entries.first() {
        Some(first) => first.number > after + 1,
        None => after < latest,
    };
    let version = read_version_snapshot(transaction).await?;
    Ok((FeedPage { entries, latest, gap }, version))
}
