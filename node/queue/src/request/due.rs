//! What wants attention now.

use hongyan_kv::{KeyRange, RangeQuery, ReadMode, Transaction};

use crate::queue::Queue;
use crate::record::{Entry, ReportKind};
use crate::{EntryId, Holder, QueueError};

/// Asks for entries that are due and were not handed out yet. Who is handed an entry says what became of it with
/// [`crate::Reported`] or [`crate::ReportSent`]; until then it is handed out again only after a quarter of an hour, or when
/// its holder or the shard's node died: who still works on it leaves it alone.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// At most so many.
    pub limit: usize,
    /// Who asks.
    pub holder: Holder,
}

/// An entry with what to do about it.
#[derive(Debug, Clone)]
pub struct DueEntry {
    /// Its name.
    pub id: EntryId,
    /// As it stands.
    pub entry: Entry,
    /// What to do.
    pub work: Work,
}

/// What an entry wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Try to deliver to its pending recipients.
    Deliver,
    /// Send a report about the recipients that are owed one of this kind.
    Report(ReportKind),
}

/// What is due.
#[derive(Debug, Clone, Default)]
pub struct DueReply {
    /// The entries.
    pub entries: Vec<DueEntry>,
    /// When the next one is due, in milliseconds since the Unix epoch.
    pub next_millis: Option<i64>,
}

impl Queue {
    pub(crate) async fn due(
        &self,
        transaction: &mut Transaction,
        request: Due,
        now_millis: i64,
    ) -> Result<DueReply, QueueError> {
        let mut reply = DueReply::default();
        let mut range = self.keys.due_range();
        loop {
            let query = RangeQuery {
                range: range.clone(),
                limit: 64,
                reverse: false,
                mode: ReadMode::Snapshot,
            };
            let pairs = transaction.get_range_all(query).await?;
            let Some(last) = pairs.last() else { return Ok(reply) };
            range.begin = KeyRange::key(&last.key).end;
            for pair in &pairs {
                let Some((millis, number)) = self.keys.parse_due(&pair.key) else {
                    continue;
                };
                if self.is_handed_out(number, now_millis) {
                    continue;
                }
                if millis > now_millis || reply.entries.len() >= request.limit {
                    reply.next_millis = Some(millis);
                    return Ok(reply);
                }
                let entry = self.entry(transaction, number).await?;
                let work = entry.owed().map_or(Work::Deliver, Work::Report);
                reply.entries.push(DueEntry {
                    id: EntryId { queue: self.id, number },
                    entry,
                    work,
                });
            }
        }
    }
}
