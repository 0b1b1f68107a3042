//! Gives back an entry that was handed out and not tried.

use hongyan_kv::Transaction;

use crate::QueueError;
use crate::queue::Queue;

/// Says that an entry was not tried after all: no attempt counts.
#[derive(Debug, Clone, Copy)]
pub struct PutBack {
    /// The entry.
    pub number: u64,
    /// When it is due again, in milliseconds since the Unix epoch; `None` leaves that as it is.
    pub due_millis: Option<i64>,
}

impl Queue {
    pub(crate) async fn put_back(&self, transaction: &mut Transaction, request: PutBack) -> Result<(), QueueError> {
        let mut entry = self.entry(transaction, request.number).await?;
        let before = entry.due_millis;
        entry.due_millis = request.due_millis.unwrap_or(before);
        self.store_as_is(transaction, request.number, &entry, before);
        Ok(())
    }
}
