//! What operators do with entries: `hongyan queue list|show|retry|hold|release|delete`.

use hongyan_kv::{RangeQuery, ReadMode, Transaction};

use crate::queue::Queue;
use crate::record::Entry;
use crate::{EntryId, QueueError};

/// Entries in the order they were accepted.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// Those after this number; 0 from the start.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

/// A page of entries.
#[derive(Debug, Clone, Default)]
pub struct ListReply {
    /// The entries.
    pub entries: Vec<(EntryId, Entry)>,
}

/// One entry.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// Its number.
    pub number: u64,
}

/// Tries an entry now, held or not.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Its number.
    pub number: u64,
}

/// Keeps an entry without trying it, until [`Release`].
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    /// Its number.
    pub number: u64,
}

/// Ends [`Hold`]; the entry is tried at once.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// Its number.
    pub number: u64,
}

/// Forgets an entry without a report.
#[derive(Debug, Clone, Copy)]
pub struct Delete {
    /// Its number.
    pub number: u64,
}

impl Queue {
    pub(crate) async fn list(&self, transaction: &mut Transaction, request: List) -> Result<ListReply, QueueError> {
        let range = self.keys.entries_after(request.after);
        let query = RangeQuery {
            range,
            limit: request.limit.max(1),
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let mut entries = Vec::new();
        for pair in transaction.get_range_all(query).await? {
            if let Some(number) = self.keys.parse_entry(&pair.key) {
                entries.push((EntryId { queue: self.id, number }, Entry::decode(&pair.value)?));
            }
        }
        Ok(ListReply { entries })
    }
    /// Sets whether an entry is held, and makes it due now when it is not.
    pub(crate) async fn set_held(
        &self,
        transaction: &mut Transaction,
        number: u64,
        held: bool,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        let mut entry = self.entry(transaction, number).await?;
        let before = entry.due_millis;
        entry.held = held;
        if !held {
            entry.due_millis = now_millis;
        }
        self.store_as_is(transaction, number, &entry, before);
        Ok(())
    }
    pub(crate) async fn delete(&self, transaction: &mut Transaction, number: u64) -> Result<(), QueueError> {
        let entry = self.entry(transaction, number).await?;
        self.remove(transaction, number, &entry, entry.due_millis);
        Ok(())
    }
}
