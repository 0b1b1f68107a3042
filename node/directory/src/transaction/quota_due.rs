//! Mailboxes that have to be told their room, at ("dir", "quota-due", millis, tenant, account). Account 0 is all of the tenant,
//! and its value the last that was told. Less room comes after a notice, so that people can make some (PLAN, bad input).

use bytes::Bytes;
use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::claim_domain::after;
use super::{corrupt, read_int};
use crate::{Change, DirectoryOptions, QuotaDue, Result, key};

/// Has a mailbox told; all of the tenant's, when none is named.
pub(super) fn put(transaction: &mut Change, at: Timestamp, tenant: TenantId, account: Option<AccountId>) {
    let account = account.map_or(0, |account| account.0);
    let key = key::quota_due().int(at.millis).int(tenant.0).int(account).pack();
    transaction.set(key, 0u64.to_le_bytes().to_vec());
}

/// Has all mailboxes of a tenant told, when their room changes; whether it gets less.
pub(super) fn spread(
    transaction: &mut Change,
    tenant: TenantId,
    (before, now_max): (Option<u64>, Option<u64>),
    options: &DirectoryOptions,
    now: Timestamp,
) -> bool {
    if before == now_max {
        return false;
    }
    let is_less = now_max.is_some_and(|max| before.is_none_or(|before| max < before));
    let at = if is_less { after(now, options.quota_notice) } else { now };
    put(transaction, at, tenant, None);
    is_less
}

/// What is due, at most `limit`.
pub(crate) async fn due(transaction: &mut Transaction, now: Timestamp, limit: usize) -> Result<Vec<QuotaDue>> {
    let prefix = key::quota_due();
    let mut query = RangeQuery {
        limit,
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(prefix.range())
    };
    query.range.end = prefix.clone().int(now.millis).int(u64::MAX).pack();
    let mut due = Vec::new();
    for pair in transaction.get_range_all(query).await? {
        let wrong = || corrupt("key of a mailbox whose room changes");
        let mut reader = prefix.reader(&pair.key).map_err(|_| wrong())?;
        reader.int::<i64>().map_err(|_| wrong())?;
        let tenant = TenantId(reader.int().map_err(|_| wrong())?);
        let account: u64 = reader.int().map_err(|_| wrong())?;
        due.push(QuotaDue {
            key: Bytes::copy_from_slice(&pair.key),
            tenant,
            account: Some(AccountId(account)).filter(|account| account.0 != 0),
            after: AccountId(read_int(&pair.value)?),
        });
    }
    Ok(due)
}

/// Those up to `last` were told; none: all.
pub(crate) fn done(transaction: &mut Change, due: &QuotaDue, last: Option<AccountId>) {
    match last {
        Some(last) => transaction.set(due.key.clone(), last.0.to_le_bytes().to_vec()),
        None => transaction.clear(&due.key),
    }
}
