//! The end of an organisation's verification: administrators are told before, and when it has come (ORG-4).

use hongyan_kv::Transaction;
use hongyan_notice::Notice;
use hongyan_types::{TenantId, Timestamp};

use super::{last_int, list, read_tenant};
use crate::{Change, Result, key};

const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// Notes that a verification was given: nothing was told of its end yet.
pub(super) fn note(transaction: &mut Change, tenant: TenantId) {
    transaction.set(key::verification_end(tenant), Vec::new());
}

/// Tells what is due; after the end there is nothing more to look at. `notices` are for the days left that they name, 0 for
/// the end.
pub(crate) async fn look(
    transaction: &mut Change,
    id: TenantId,
    notices: &[(u32, Notice)],
    now: Timestamp,
) -> Result<()> {
    let key = key::verification_end(id);
    let Some(value) = transaction.get(&key).await? else {
        return Ok(());
    };
    let told = <[u8; 4]>::try_from(&value[..]).ok().map(u32::from_be_bytes);
    let Some(until) = read_tenant(transaction, id).await?.verified_until else {
        transaction.clear(&key);
        return Ok(());
    };
    let left = until.millis.saturating_sub(now.millis);
    let reached = notices.iter().filter(|(days, _)| left <= i64::from(*days) * DAY_MILLIS);
    if let Some((days, notice)) = reached.min_by_key(|(days, _)| *days)
        && told.is_none_or(|told| *days < told)
    {
        match days {
            0 => transaction.clear(&key),
            _ => transaction.set(key, days.to_be_bytes().to_vec()),
        }
        transaction.send(notice);
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
