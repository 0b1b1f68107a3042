//! What an attempt brought, and which reports are sent.

use hongyan_kv::Transaction;
use hongyan_trail::{Delivered, Submissions};

use crate::QueueError;
use crate::queue::Queue;
use crate::record::{Attempt, Destination, Entry, Outcome, Recipient, RecipientState, ReportKind};

/// Says what an attempt brought for the pending recipients, by their index in the entry. Who is not named stays pending.
#[derive(Debug, Clone)]
pub struct Reported {
    /// The entry.
    pub number: u64,
    /// The outcomes.
    pub outcomes: Vec<(usize, Outcome)>,
}

/// Says that the reports of a kind that an entry owed are sent.
#[derive(Debug, Clone, Copy)]
pub struct ReportSent {
    /// The entry.
    pub number: u64,
    /// Which.
    pub kind: ReportKind,
    /// Whether it was sent; a report that could not be sent is tried again later.
    pub sent: bool,
}

impl Queue {
    pub(crate) async fn reported(
        &self,
        transaction: &mut Transaction,
        request: &Reported,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        let mut entry = self.entry(transaction, request.number).await?;
        let before = entry.due_millis;
        entry.attempts = entry.attempts.saturating_add(1);
        let expired = now_millis >= entry.accepted_millis.saturating_add(self.schedule.expire_millis());
        for (index, outcome) in &request.outcomes {
            let reports = entry.sender.is_some();
            let local = entry.destination == Destination::Local;
            let Some(recipient) = entry.recipients.get_mut(*index) else {
                continue;
            };
            if recipient.state == RecipientState::Pending {
                settle(
                    recipient,
                    outcome,
                    Circumstances {
                        expired,
                        reports,
                        local,
                    },
                );
            }
        }
        self.note(transaction, &entry, &request.outcomes).await?;
        let late = now_millis
            >= entry
                .accepted_millis
                .saturating_add(self.schedule.delay_report_millis());
        if late && !entry.delay_reported && entry.sender.is_some() {
            entry.delay_reported = true;
            let pending = entry
                .recipients
                .iter_mut()
                .filter(|recipient| recipient.state == RecipientState::Pending);
            pending
                .filter(|recipient| recipient.notify.delay)
                .for_each(|r| r.owed = Some(ReportKind::Delay));
        }
        let wait = self.schedule.wait_millis(entry.attempts);
        let deadline = entry.accepted_millis.saturating_add(self.schedule.expire_millis());
        // The last attempt is made at the deadline, not a whole wait after it.
        entry.due_millis = now_millis
            .saturating_add(wait)
            .min(deadline.max(now_millis.saturating_add(1000)));
        self.store(transaction, request.number, entry, before, now_millis).await
    }
    /// Writes outcomes into the trail of the account that sent the message.
    pub(super) async fn note(
        &self,
        transaction: &mut Transaction,
        entry: &Entry,
        outcomes: &[(usize, Outcome)],
    ) -> Result<(), QueueError> {
        let Some(submission) = entry.trail() else {
            return Ok(());
        };
        let noted = outcomes.iter().filter_map(|(index, _)| {
            let recipient = entry.recipients.get(*index)?;
            let last = recipient.last.as_ref()?;
            let delivered = match recipient.state {
                RecipientState::Delivered if entry.destination == Destination::Local => Delivered::Yes,
                RecipientState::Delivered => Delivered::Unknown,
                RecipientState::Bounced | RecipientState::Expired => Delivered::No,
                RecipientState::Pending => Delivered::Queued,
            };
            let reply = format!("{} {} {}", last.code, last.status, last.text);
            Some((recipient.address.clone(), delivered, reply))
        });
        let noted: Vec<_> = noted.collect();
        let submissions = Submissions::of(submission.tenant, submission.account);
        submissions.note(transaction, submission.number, &noted).await?;
        Ok(())
    }
    pub(crate) async fn report_sent(
        &self,
        transaction: &mut Transaction,
        request: ReportSent,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        let mut entry = self.entry(transaction, request.number).await?;
        let before = entry.due_millis;
        if request.sent {
            let owed = entry
                .recipients
                .iter_mut()
                .filter(|recipient| recipient.owed == Some(request.kind));
            owed.for_each(|recipient| recipient.owed = None);
            return self.store(transaction, request.number, entry, before, now_millis).await;
        }
        entry.due_millis = now_millis.saturating_add(self.schedule.wait_millis(1));
        self.store_as_is(transaction, request.number, &entry, before);
        Ok(())
    }
    /// Writes a changed entry: removed when nothing is left to do, due at once when a report is owed.
    async fn store(
        &self,
        transaction: &mut Transaction,
        number: u64,
        mut entry: Entry,
        before: i64,
        now_millis: i64,
    ) -> Result<(), QueueError> {
        if entry.owed().is_some() {
            // The wait for the next attempt is found again from the attempts made, when the report is sent.
            entry.due_millis = now_millis;
        } else if !entry.is_pending() {
            self.remove(transaction, number, &entry, before);
            return Ok(());
        } else if entry.due_millis <= now_millis {
            entry.due_millis = now_millis.saturating_add(self.schedule.wait_millis(entry.attempts));
        }
        self.store_as_is(transaction, number, &entry, before);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Circumstances {
    /// The entry's lifetime is over.
    expired: bool,
    /// There is a sender who can be told.
    reports: bool,
    /// It went to a mailbox of ours, so nobody else will report.
    local: bool,
}

fn settle(recipient: &mut Recipient, outcome: &Outcome, circumstances: Circumstances) {
    let (state, last) = match outcome {
        Outcome::Delivered(last) => (RecipientState::Delivered, last),
        Outcome::Bounced(last) => (RecipientState::Bounced, last),
        Outcome::Deferred(last) if circumstances.expired => (RecipientState::Expired, last),
        Outcome::Deferred(last) => (RecipientState::Pending, last),
    };
    recipient.state = state;
    recipient.last = Some(last.clone());
    recipient.owed = owed(recipient, last, circumstances);
}

fn owed(recipient: &Recipient, last: &Attempt, circumstances: Circumstances) -> Option<ReportKind> {
    let notify = recipient.notify;
    match recipient.state {
        _ if !circumstances.reports => None,
        // RFC 3461 §5.2.1: who passes the message on to a host with DSN leaves success to that host.
        RecipientState::Delivered if notify.success && (circumstances.local || !last.relayed_dsn) => {
            Some(ReportKind::Success)
        }
        RecipientState::Bounced | RecipientState::Expired if notify.failure => Some(ReportKind::Failure),
        _ => None,
    }
}
