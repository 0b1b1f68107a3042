//! Migrations in the store: what all transactions about them read and write.

use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction, Tuple};
use hongyan_types::{AccountId, Timestamp};

use crate::record::{migration, moving};
use crate::{Migration, MigrationId, MigrationState, Moving, key, secret};

pub(crate) async fn read(transaction: &mut Transaction, id: MigrationId) -> hongyan_kv::Result<Option<Migration>> {
    let stored = transaction.get(&key::task(id)).await?;
    let found = stored.map(|stored| migration::decode(id, &stored));
    Ok(found.transpose()?)
}

/// Writes a migration. With its end the passwords go, and nothing is to be done any more.
pub(crate) fn write(transaction: &mut Transaction, migration: &Migration) {
    transaction.set(key::task(migration.id), migration::encode(migration));
    let open = key::open().int(migration.id.0).pack();
    if migration.state == MigrationState::Ended {
        transaction.clear(&open);
        transaction.clear_range(key::ready(migration.id).range());
        secret::wipe_all(transaction, migration.id);
    } else {
        transaction.set(open, Vec::new());
    }
}

pub(crate) async fn read_moving(
    transaction: &mut Transaction,
    id: MigrationId,
    account: AccountId,
) -> hongyan_kv::Result<Option<Moving>> {
    let stored = transaction.get(&key::accounts(id).int(account.0).pack()).await?;
    let found = stored.map(|stored| moving::decode(account, &stored));
    Ok(found.transpose()?)
}

/// Writes an account, what is counted of it, and when it can be worked on.
pub(crate) fn write_moving(transaction: &mut Transaction, id: MigrationId, before: Option<&Moving>, after: &Moving) {
    let account = after.account;
    transaction.set(key::accounts(id).int(account.0).pack(), moving::encode(after));
    if before.is_none() {
        transaction.set(key::mine(account).int(id.0).pack(), Vec::new());
    }
    let state = before.map(|before| before.state);
    if state != Some(after.state) {
        if let Some(state) = state {
            transaction.atomic_add(key::count(id, state.code()), -1);
        }
        transaction.atomic_add(key::count(id, after.state.code()), 1);
    }
    let ready = before.and_then(|before| before.ready);
    if ready != after.ready {
        let key = |at: Timestamp| key::ready(id).int(at.millis).int(account.0).pack();
        if let Some(ready) = ready {
            transaction.clear(&key(ready));
        }
        if let Some(ready) = after.ready {
            transaction.set(key(ready), Vec::new());
        }
    }
}

pub(crate) fn snapshot(range: KeyRange, limit: usize) -> RangeQuery {
    RangeQuery {
        limit,
        mode: ReadMode::Snapshot,
        ..RangeQuery::all(range)
    }
}

/// The last number of each key below `prefix`.
pub(crate) async fn last_ints(
    transaction: &mut Transaction,
    prefix: &Tuple,
    query: RangeQuery,
) -> hongyan_kv::Result<Vec<u64>> {
    let pairs = transaction.get_range_all(query).await?;
    let ids = pairs.iter().filter_map(|pair| {
        let mut reader = prefix.reader(&pair.key).ok()?;
        reader.int().ok()
    });
    Ok(ids.collect())
}

/// Accounts that can be worked on at `now`, the longest ready first, at most `limit`.
pub(crate) async fn ready(
    transaction: &mut Transaction,
    id: MigrationId,
    now: Timestamp,
    limit: usize,
) -> hongyan_kv::Result<Vec<AccountId>> {
    let prefix = key::ready(id);
    let mut range = prefix.range();
    range.end = prefix.clone().int(now.millis.saturating_add(1)).pack();
    let pairs = transaction.get_range_all(snapshot(range, limit)).await?;
    let accounts = pairs.iter().filter_map(|pair| {
        let mut reader = prefix.reader(&pair.key).ok()?;
        reader.int::<i64>().ok()?;
        reader.int().ok().map(AccountId)
    });
    Ok(accounts.collect())
}

/// How many accounts are in each state, in the order of [`crate::MovingState::ALL`].
pub(crate) async fn counts(transaction: &mut Transaction, id: MigrationId) -> hongyan_kv::Result<[u64; 7]> {
    let mut counts = [0; 7];
    for (code, count) in (0_u8..).zip(&mut counts) {
        if let Some(stored) = transaction.get_snapshot(&key::count(id, code)).await? {
            let octets = stored.as_ref().try_into().unwrap_or_default();
            *count = u64::try_from(i64::from_le_bytes(octets)).unwrap_or(0);
        }
    }
    Ok(counts)
}
