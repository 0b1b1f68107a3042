//! What is in the recycle bin goes for good: asked for or due, begun, and ended once its mail is gone.

use hongyan_audit::Event;
use hongyan_kv::Transaction;
use hongyan_types::{AccountId, TenantId, Timestamp};

use super::{due_mailboxes, record_account, recycle, restore, touch_address};
use crate::{Change, DirectoryOptions, Error, Result, key};

/// Makes it due now.
pub(crate) async fn ask(transaction: &mut Change, tenant: TenantId, id: AccountId, now: Timestamp) -> Result<()> {
    let mut recycled = recycle::need(transaction, tenant, id).await?;
    if recycled.purging || recycled.until <= now {
        return Ok(());
    }
    restore::forget(transaction, &recycled);
    recycled.until = now;
    recycle::write(transaction, &recycled);
    let account = &recycled.account;
    record_account(transaction, account, Event::new("member.purge", &account.address));
    Ok(())
}

/// Whether it is due; from now on it cannot be restored.
pub(crate) async fn begin(transaction: &mut Change, tenant: TenantId, id: AccountId, now: Timestamp) -> Result<bool> {
    let mut recycled = match recycle::need(transaction, tenant, id).await {
        Err(Error::NotFound { .. }) => return Ok(false),
        found => found?,
    };
    if recycled.until > now {
        return Ok(false);
    }
    if !recycled.purging {
        recycled.purging = true;
        recycle::write(transaction, &recycled);
    }
    Ok(true)
}

/// Its mail is gone: its addresses are free.
pub(crate) async fn end(
    transaction: &mut Change,
    tenant: TenantId,
    id: AccountId,
    options: &DirectoryOptions,
) -> Result<()> {
    let recycled = match recycle::need(transaction, tenant, id).await {
        // Somebody else was faster.
        Err(Error::NotFound { .. }) => return Ok(()),
        found => found?,
    };
    if !recycled.purging {
        return Err(Error::Refused("it is not being purged".to_owned()));
    }
    let account = &recycled.account;
    for address in account.addresses() {
        transaction.clear(&key::address(address));
        touch_address(transaction, address);
    }
    recycle::forget_person(transaction, account, options);
    restore::forget(transaction, &recycled);
    let event = Event::new("member.purged", &account.address).with("how", recycled.kind.label());
    record_account(transaction, account, event);
    Ok(())
}

/// What is due, the longest due first, at most `limit`.
pub(crate) async fn due(
    transaction: &mut Transaction,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(TenantId, AccountId)>> {
    let due = due_mailboxes(transaction, &key::recycled_due(), now, limit).await?;
    Ok(due.into_iter().map(|(tenant, account, _)| (tenant, account)).collect())
}
