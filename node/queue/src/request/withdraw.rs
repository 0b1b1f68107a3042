//! Takes back what has not left yet: a message that was to leave later.

use hongyan_kv::Transaction;

use crate::QueueError;
use crate::queue::Queue;

/// Forgets these entries without a report, all or none: `NoSuchEntry` when one of them is gone, was tried, or is in
/// somebody's hands at this moment.
#[derive(Debug, Clone)]
pub struct Withdraw {
    /// Their numbers.
    pub numbers: Vec<u64>,
}

impl Queue {
    pub(crate) async fn withdraw(
        &self,
        transaction: &mut Transaction,
        request: &Withdraw,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        let mut entries = Vec::with_capacity(request.numbers.len());
        for number in &request.numbers {
            let entry = self.entry(transaction, *number).await?;
            if entry.attempts > 0 || self.is_handed_out(*number, now_millis) {
                return Err(QueueError::NoSuchEntry);
            }
            entries.push(entry);
        }
        for (number, entry) in request.numbers.iter().zip(&entries) {
            self.remove(transaction, *number, entry, entry.due_millis);
        }
        Ok(())
    }
}
