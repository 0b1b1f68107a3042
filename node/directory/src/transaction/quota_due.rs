//! Mailboxes that have to be told their room, at ("dir", "quota-due", millis, tenant, account). Account 0 is all of the tenant,
//! and its value the last that was told. Less room comes after a notice, so that people can make some (PLAN, bad input).

use hongyan_kv::{KeyValue, Transaction};
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::claim_domain::after;
use super::{due_mailboxes, read_int};
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
    let due = due_mailboxes(transaction, &key::quota_due(), now, limit).await?;
    let read = |(tenant, account, pair): (TenantId, AccountId, KeyValue)| {
        Ok(QuotaDue {
            after: AccountId(read_int(&pair.value)?),
            key: pair.key,
            tenant,
            account: Some(account).filter(|account| account.0 != 0),
        })
    };
    due.into_iter().map(read).collect()
}

/// Those up to `last` were told; none: all.
pub(crate) fn done(transaction: &mut Change, due: &QuotaDue, last: Option<AccountId>) {
    match last {
        Some(last) => transaction.set(due.key.clone(), last.0.to_le_bytes().to_vec()),
        None => transaction.clear(&due.key),
    }
}
