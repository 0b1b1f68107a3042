//! Takes out what its sender wants back (TRK-5): recipients whom the message has not left for.

use hongyan_kv::{RangeQuery, ReadMode, Transaction};
use hongyan_trail::{Delivered, SubmissionId, Submissions};

use crate::QueueError;
use crate::queue::Queue;
use crate::record::{Attempt, Entry, RecipientState};

/// What the trail says of a recipient whose copy was taken back.
pub const RECALLED: &str = "550 5.3.0 Recalled by its sender";

/// Takes the waiting recipients of a submission out, without a report; the trail says so. What is in somebody's hands at this
/// moment stays: nobody can call that back.
#[derive(Debug, Clone, Copy)]
pub struct Recall {
    /// Which.
    pub submission: SubmissionId,
    /// Looks at entries after this number; 0 from the start.
    pub after: u64,
    /// At so many of them.
    pub limit: usize,
}

/// What was taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecallReply {
    /// Addresses that the message will not come to.
    pub recalled: Vec<String>,
    /// Those to whom it is being handed over.
    pub leaving: Vec<String>,
    /// After which entry to go on, if that were not all.
    pub next: Option<u64>,
}

impl Queue {
    pub(crate) async fn recall(
        &self,
        transaction: &mut Transaction,
        request: &Recall,
        now_millis: i64,
    ) -> Result<RecallReply, QueueError> {
        let limit = request.limit.max(1);
        let query = RangeQuery {
            range: self.keys.entries_after(request.after),
            limit,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let mut reply = RecallReply::default();
        let pairs = transaction.get_range_all(query).await?;
        for pair in &pairs {
            let Some(number) = self.keys.parse_entry(&pair.key) else {
                continue;
            };
            if pairs.len() == limit {
                reply.next = Some(number);
            }
            if Entry::decode(&pair.value)?.trail() != Some(request.submission) {
                continue;
            }
            // As it is now, and so that nobody else changes it meanwhile.
            let entry = self.entry(transaction, number).await?;
            let waiting = waiting(&entry);
            if self.is_handed_out(number, now_millis) {
                reply.leaving.extend(waiting);
                continue;
            }
            reply.recalled.extend(waiting);
            self.take_out(transaction, number, entry);
        }
        if !reply.recalled.is_empty() {
            let told = |address: &String| (address.clone(), Delivered::No, RECALLED.to_owned());
            let noted: Vec<_> = reply.recalled.iter().map(told).collect();
            let submissions = Submissions::of(request.submission.tenant, request.submission.account);
            submissions.note(transaction, request.submission.number, &noted).await?;
        }
        Ok(reply)
    }
    /// Nobody waits in the entry any more; what is still to be reported of others is.
    fn take_out(&self, transaction: &mut Transaction, number: u64, mut entry: Entry) {
        let before = entry.due_millis;
        for recipient in &mut entry.recipients {
            if recipient.state == RecipientState::Pending {
                recipient.state = RecipientState::Bounced;
                recipient.owed = None;
                recipient.last = Some(Attempt {
                    code: 550,
                    status: "5.3.0".to_owned(),
                    text: "Recalled by its sender".to_owned(),
                    ..Attempt::default()
                });
            }
        }
        match entry.owed() {
            Some(_) => self.store_as_is(transaction, number, &entry, before),
            None => self.remove(transaction, number, &entry, before),
        }
    }
}

fn waiting(entry: &Entry) -> Vec<String> {
    let recipients = entry.recipients.iter();
    let waiting = recipients.filter(|recipient| recipient.state == RecipientState::Pending);
    waiting.map(|recipient| recipient.address.clone()).collect()
}
