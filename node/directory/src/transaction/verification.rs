//! The end of an organisation's verification: administrators are told before, and when it has come (ORG-4).

use hongyan_kv::Transaction;
use hongyan_types::{TenantId, Timestamp};

use super::{days_due, last_int, list, read_tenant};
use crate::operator_request::verification_ends;
use crate::{Change, Result, key};

/// Days before the end of a verification at which administrators are told; 0 is the end itself.
const DAYS: [u32; 4] = [30, 7, 1, 0];

/// Notes that a verification was given: nothing was told of its end yet.
pub(super) fn note(transaction: &mut Change, tenant: TenantId) {
    transaction.set(key::verification_end(tenant), Vec::new());
}

/// Tells what is due; after the end there is nothing more to look at.
pub(crate) async fn look(transaction: &mut Change, id: TenantId, now: Timestamp) -> Result<()> {
    let key = key::verification_end(id);
    let Some(value) = transaction.get(&key).await? else {
        return Ok(());
    };
    let told = <[u8; 4]>::try_from(&value[..]).ok().map(u32::from_be_bytes);
    let owner = read_tenant(transaction, id).await?;
    let Some(until) = owner.verified_until else {
        transaction.clear(&key);
        return Ok(());
    };
    let left = until.millis.saturating_sub(now.millis);
    if let Some(days) = days_due(&DAYS, left, told) {
        match days {
            0 => transaction.clear(&key),
            _ => transaction.set(key, days.to_be_bytes().to_vec()),
        }
        let (kind, english, chinese) = verification_ends(&owner.name, until, days == 0);
        transaction.tell_administrators(id, kind, english, chinese);
    }
    Ok(())
}

/// Those whose verification ends, after `after`, at most `limit`.
pub(crate) async fn ending(
    transaction: &mut Transaction,
    after: Option<TenantId>,
    limit: usize,
) -> Result<Vec<TenantId>> {
    let prefix = key::verification_ends();
    let after = after.map(|tenant| prefix.clone().int(tenant.0));
    let pairs = list::page(transaction, &prefix, after, limit).await?;
    let tenant = |pair: &hongyan_kv::KeyValue| Ok(TenantId(last_int(&prefix, &pair.key)?));
    pairs.iter().map(tenant).collect()
}
