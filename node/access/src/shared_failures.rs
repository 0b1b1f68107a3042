//! Failed attempts as all nodes count them, so that going to another node through a load balancer frees nobody.
//!
//! Keys, each a tuple; a digest is of the name or the network, keyed with the installation's secret:
//! ("acc", "failed", bucket, kind, digest)   count, start of the window
//! ("acc", "locked", kind, digest)           until when, as long as a lock may hold
//! A bucket is as long as a window and a lock at most; older ones are swept. Only a failure costs a commit, and only one
//! that locks tells the other nodes. When the store is away, each node counts for itself.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hongyan_directory::Change;
use hongyan_kv::record::{self, Schema};
use hongyan_kv::{RangeQuery, ReadMode, Transaction, Tuple};
use minicbor::{Decode, Encode};

use crate::Access;
use crate::failures::{Guarded, GuardedKind, Rule};
use crate::notice::{self, Notice};

/// How long an answer to a failure waits for its being counted.
pub(crate) const COUNT_MAX: Duration = Duration::from_secs(2);
/// Locks that one removal looks at.
const SWEPT_LOCKS_MAX: usize = 10_000;
const V1: Schema = Schema(1);

/// Failures of one name or address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Count {
    #[n(0)]
    failures: u32,
    #[n(1)]
    window_start_millis: i64,
}

/// When a lock ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Lock {
    #[n(0)]
    until_millis: i64,
}

fn failed() -> Tuple {
    Tuple::new().string("acc").string("failed")
}

fn failed_key(bucket: i64, guarded: &Guarded) -> Bytes {
    let kind = u64::from(guarded.kind.number());
    failed().int(bucket).int(kind).bytes(&guarded.digest).pack()
}

fn locked() -> Tuple {
    Tuple::new().string("acc").string("locked")
}

fn locked_key(guarded: &Guarded) -> Bytes {
    locked()
        .int(u64::from(guarded.kind.number()))
        .bytes(&guarded.digest)
        .pack()
}

/// Counts one failure; gives the end of the lock that follows from it.
async fn count_one(
    change: &mut Change,
    guarded: &Guarded,
    rule: Rule,
    now: i64,
) -> hongyan_directory::Result<Option<i64>> {
    let bucket = now.div_euclid(rule.bucket_millis());
    let mut count = Count {
        failures: 0,
        window_start_millis: now,
    };
    for bucket in [bucket - 1, bucket] {
        let Some(stored) = change.get(&failed_key(bucket, guarded)).await? else {
            continue;
        };
        let found: Count = record::decode(V1, &stored).map_err(hongyan_kv::Error::from)?;
        if now.saturating_sub(found.window_start_millis) <= rule.window_millis() {
            count = found;
        }
    }
    count.failures += 1;
    let mut lock = None;
    if count.failures >= rule.failures_max {
        count.failures = 0;
        let until_millis = now.saturating_add(rule.lockout_millis());
        change.set(locked_key(guarded), record::encode(V1, &Lock { until_millis }));
        change.notify(notice::encode(&Notice::Locked {
            guarded: *guarded,
            until_wall_millis: until_millis,
        }));
        lock = Some(until_millis);
    }
    change.set(failed_key(bucket, guarded), record::encode(V1, &count));
    Ok(lock)
}

impl Access {
    /// Counts a failure for all nodes, or, when the store is away, for this one.
    pub(crate) async fn count_failure(&self, name: &str, peer: IpAddr) {
        let inner = &self.0;
        let guard = &inner.guard;
        if guard.is_exempt(peer) {
            return;
        }
        let guarded = [guard.name(name), guard.address(peer)];
        let rules = guarded.map(|guarded| guard.rule(guarded.kind));
        let now = inner.env.wall_millis();
        let counted = inner.directory.announce(async move |change| {
            let mut locks = [None; 2];
            for ((lock, guarded), rule) in locks.iter_mut().zip(&guarded).zip(rules) {
                *lock = count_one(change, guarded, rule, now).await?;
            }
            Ok(locks)
        });
        match inner.env.timeout(COUNT_MAX, counted).await {
            Some(Ok((locks, _))) => {
                guard.noted(guarded[0], inner.env.now_micros());
                for (guarded, until) in guarded.into_iter().zip(locks) {
                    if let Some(until) = until {
                        self.lock_here(guarded, until);
                    }
                }
            }
            outcome => {
                let cause = outcome.and_then(Result::err);
                tracing::warn!(event = "failure_not_shared", ?cause, "counted on this node only");
                guard.failed(name, peer, inner.env.now_micros());
            }
        }
    }

    /// A success forgives the name's failures on whatever nodes they were, not the address's. Costs two reads; a commit only
    /// when there is something to forgive.
    pub(crate) async fn forgive(&self, name: &str) {
        let inner = &self.0;
        inner.guard.succeeded(name);
        let guarded = inner.guard.name(name);
        let bucket = inner
            .env
            .wall_millis()
            .div_euclid(inner.guard.rule(guarded.kind).bucket_millis());
        let forgiven = inner.database.run(async move |transaction: &mut Transaction| {
            for bucket in [bucket - 1, bucket] {
                let key = failed_key(bucket, &guarded);
                // One that comes at the same moment may count before or after: nothing has to conflict.
                if transaction.get_snapshot(&key).await?.is_some() {
                    transaction.clear(&key);
                }
            }
            Ok::<_, hongyan_kv::Error>(())
        });
        match inner.env.timeout(COUNT_MAX, forgiven).await {
            Some(Ok(())) => {}
            outcome => {
                let cause = outcome.and_then(Result::err);
                tracing::warn!(event = "failures_not_forgiven", ?cause);
            }
        }
    }

    /// A name or an address is locked, on all nodes.
    pub(crate) fn lock_here(&self, guarded: Guarded, until_wall_millis: i64) {
        let inner = &self.0;
        let left = until_wall_millis.saturating_sub(inner.env.wall_millis());
        // No lock holds longer than the setting says, whatever another node's clock shows.
        let left = left.min(inner.guard.rule(guarded.kind).lockout_millis());
        if let Ok(left) = u64::try_from(left) {
            let until = inner.env.now_micros().saturating_add(left.saturating_mul(1_000));
            inner.guard.lock(guarded, until, inner.env.now_micros());
        }
    }

    /// Takes over all locks that hold: at start, and when too much was missed.
    pub(crate) async fn load_locks(&self) -> hongyan_directory::Result<()> {
        let query = RangeQuery {
            mode: ReadMode::Snapshot,
            ..RangeQuery::all(locked().range())
        };
        let mut transaction = self.0.database.begin();
        for pair in transaction.get_range_all(query).await? {
            if let Some((guarded, lock)) = read_lock(&pair.key, &pair.value) {
                self.lock_here(guarded, lock.until_millis);
            }
        }
        Ok(())
    }

    /// Removes counts and locks that are over. Safe on many nodes at once.
    pub(crate) async fn sweep_failures(&self) {
        let inner = &self.0;
        let now = inner.env.wall_millis();
        let rule = inner.guard.rule(GuardedKind::Name);
        let mut over = failed().range();
        // One bucket more than counts, for clocks that differ.
        over.end = failed().int(now.div_euclid(rule.bucket_millis()) - 2).pack();
        let swept = inner.database.run(async move |transaction: &mut Transaction| {
            transaction.clear_range(over.clone());
            // Serializable: a lock that is set again meanwhile stays.
            let query = RangeQuery {
                limit: SWEPT_LOCKS_MAX,
                ..RangeQuery::all(locked().range())
            };
            for pair in transaction.get_range_all(query).await? {
                let holds = read_lock(&pair.key, &pair.value).is_some_and(|(_, lock)| lock.until_millis >= now);
                if !holds {
                    transaction.clear(&pair.key);
                }
            }
            Ok::<_, hongyan_kv::Error>(())
        });
        if let Err(error) = swept.await {
            tracing::warn!(%error, "failures are not swept; it is tried again");
        }
    }
}

fn read_lock(key: &[u8], value: &[u8]) -> Option<(Guarded, Lock)> {
    let prefix = locked();
    let mut reader = prefix.reader(key).ok()?;
    let kind = GuardedKind::from_number(reader.int::<u8>().ok()?)?;
    let digest: [u8; 16] = reader.bytes().ok()?.try_into().ok()?;
    let lock = record::decode(V1, value).ok()?;
    Some((Guarded { kind, digest }, lock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let shown = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let count = Count {
            failures: 3,
            window_start_millis: 1_000,
        };
        assert_eq!(shown(&record::encode(V1, &count)), "01000182031903e8");
        let lock = Lock { until_millis: 1_000 };
        assert_eq!(shown(&record::encode(V1, &lock)), "010001811903e8");
        let guarded = Guarded {
            kind: GuardedKind::Address,
            digest: [7; 16],
        };
        let read = read_lock(&locked_key(&guarded), &record::encode(V1, &lock));
        assert_eq!(read, Some((guarded, lock)));
    }
}
