//! Gives back an entry that must not leave yet, with the reason.

use hongyan_kv::Transaction;

use crate::QueueError;
use crate::queue::Queue;
use crate::record::{Attempt, Outcome, RecipientState};

/// Says that an entry must not leave yet: no attempt counts, and it is as old as if it had come when it is due again. Its
/// trail says why.
#[derive(Debug, Clone)]
pub struct PutOff {
    /// The entry.
    pub number: u64,
    /// When it is due again, in milliseconds since the Unix epoch.
    pub due_millis: i64,
    /// Why.
    pub reason: Attempt,
}

impl Queue {
    pub(crate) async fn put_off(&self, transaction: &mut Transaction, request: &PutOff) -> Result<(), QueueError> {
        let mut entry = self.entry(transaction, request.number).await?;
        let before = entry.due_millis;
        entry.due_millis = request.due_millis;
        entry.accepted_millis = entry.accepted_millis.max(request.due_millis);
        let mut news = Vec::new();
        for (index, recipient) in entry.recipients.iter_mut().enumerate() {
            if recipient.state == RecipientState::Pending && recipient.last.as_ref() != Some(&request.reason) {
                recipient.last = Some(request.reason.clone());
                news.push((index, Outcome::Deferred(request.reason.clone())));
            }
        }
        if !news.is_empty() {
            self.note(transaction, &entry, &news).await?;
        }
        self.store_as_is(transaction, request.number, &entry, before);
        Ok(())
    }
}
