//! Takes back, or gives another time to, what has not left yet: a message that was to leave later.

use hongyan_kv::Transaction;

use crate::queue::Queue;
use crate::{Entry, QueueError};

/// Forgets these entries without a report, all or none: `NoSuchEntry` when one of them is gone, was tried, or is in
/// somebody's hands at this moment.
#[derive(Debug, Clone)]
pub struct Withdraw {
    /// Their numbers.
    pub numbers: Vec<u64>,
}

/// Gives these entries another time to leave, all or none: refused as [`Withdraw`] is.
#[derive(Debug, Clone)]
pub struct Postpone {
    /// Their numbers.
    pub numbers: Vec<u64>,
    /// Not before this time, in milliseconds since the Unix epoch; at once when it has passed.
    pub not_before_millis: i64,
}

impl Queue {
    pub(crate) async fn postpone(
        &self,
        transaction: &mut Transaction,
        request: &Postpone,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        let entries = self.waiting(transaction, &request.numbers, now_millis).await?;
        let leaves_millis = now_millis.max(request.not_before_millis);
        for (number, mut entry) in request.numbers.iter().zip(entries) {
            let before = entry.due_millis;
            entry.accepted_millis = leaves_millis;
            entry.due_millis = leaves_millis;
            self.store_as_is(transaction, *number, &entry, before);
        }
        Ok(())
    }
    /// Entries that nobody has tried.
    async fn waiting(
        &self,
        transaction: &mut Transaction,
        numbers: &[u64],
        now_millis: i64,
    ) -> Result<Vec<Entry>, QueueError> {
        let mut entries = Vec::with_capacity(numbers.len());
        for number in numbers {
            let entry = self.entry(transaction, *number).await?;
            if entry.attempts > 0 || self.is_handed_out(*number, now_millis) {
                return Err(QueueError::NoSuchEntry);
            }
            entries.push(entry);
        }
        Ok(entries)
    }
    pub(crate) async fn withdraw(
        &self,
        transaction: &mut Transaction,
        request: &Withdraw,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        let entries = self.waiting(transaction, &request.numbers, now_millis).await?;
        for (number, entry) in request.numbers.iter().zip(&entries) {
            self.remove(transaction, *number, entry, entry.due_millis);
        }
        Ok(())
    }
}
