//! The fence of a partition: who may write for the entities in it.
//!
//! Key ("fence", partition) holds the epoch of the owner. Taking over raises it; every transaction of an entity reads it,
//! so the commit of an owner that was deposed meanwhile fails, whatever that owner believes. Nothing depends on time.
//! Where nobody has ever taken over, the key is absent and the epoch is [`Fence::FIRST_EPOCH`].

use bytes::Bytes;

use crate::record::{self, Schema};
use crate::{Database, Error, KeyRange, RangeQuery, Result, Transaction, Tuple};

const V1: Schema = Schema(1);

/// What an owner holds: its partition and the epoch it owns it under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The partition.
    pub partition: u16,
    /// How often the partition has changed owner when this one took it, from [`Fence::FIRST_EPOCH`].
    pub epoch: u64,
}

impl Fence {
    /// The epoch of the first owner, which raises no fence.
    pub const FIRST_EPOCH: u64 = 1;

    /// As [`Self::check`], in a transaction that begins at a version at which the fence is known to stand at this epoch: by
    /// the commit of one that checked it. Nothing is read.
    pub fn rely(&self, transaction: &mut Transaction) {
        transaction.add_read_conflict(KeyRange::key(&key(self.partition)));
    }
    /// Has what [`Self::check`] reads on its way.
    pub fn look_ahead(&self, transaction: &mut Transaction) {
        transaction.look_ahead(&key(self.partition));
    }
    /// Makes the commit of `transaction` fail if another epoch owns the partition, now or until then.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another does already; or when the read fails.
    pub async fn check(&self, transaction: &mut Transaction) -> Result<()> {
        if read(transaction, self.partition).await? == self.epoch {
            return Ok(());
        }
        Err(Error::Fenced)
    }
}

/// Takes the partition `fence.partition` over under `fence.epoch`: the transactions of every lower epoch fail from now on.
/// Repeating it changes nothing.
///
/// # Errors
/// [`Error::Fenced`] when a higher epoch owns it: a fence is never lowered. Or when storage fails.
pub async fn raise(database: &Database, fence: Fence) -> Result<()> {
    let mut result = Err(Error::CommitUnknown);
    for _ in 0..Database::ATTEMPTS_MAX {
        result = raise_once(database, fence).await;
        match &result {
            Err(error) if error.is_retryable() || matches!(error, Error::CommitUnknown) => {}
            _ => return result,
        }
    }
    result
}

/// The highest epoch that any partition has been owned under.
///
/// # Errors
/// When storage fails.
pub async fn highest(database: &Database) -> Result<u64> {
    let all = KeyRange::prefix(&Tuple::new().string("fence").pack());
    let mut highest = Fence::FIRST_EPOCH;
    for pair in database.begin().get_range_all(RangeQuery::all(all)).await? {
        highest = highest.max(record::decode(V1, &pair.value)?);
    }
    Ok(highest)
}

/// A plain function rather than a closure for [`Database::run`], so that takeovers may move between threads.
async fn raise_once(database: &Database, fence: Fence) -> Result<()> {
    let mut transaction = database.begin();
    let stored = read(&mut transaction, fence.partition).await?;
    if stored > fence.epoch {
        return Err(Error::Fenced);
    }
    if stored < fence.epoch {
        transaction.set(key(fence.partition), record::encode(V1, &fence.epoch));
    }
    transaction.commit().await.map(|_| ())
}

/// Where the fence of `partition` stands.
fn key(partition: u16) -> Bytes {
    Tuple::new().string("fence").int(partition).pack()
}

async fn read(transaction: &mut Transaction, partition: u16) -> Result<u64> {
    match transaction.get(&key(partition)).await? {
        Some(stored) => Ok(record::decode(V1, &stored)?),
        None => Ok(Fence::FIRST_EPOCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        assert_eq!(&key(300)[..], b"\x02fence\0\x16\x01\x2c");
        assert_eq!(&record::encode(V1, &7u64)[..], b"\x01\x00\x01\x07");
    }
}
