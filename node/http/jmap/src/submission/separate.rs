//! A mail sent separately (MODE-4): each recipient has a copy of their own that names nobody else; the mail in the mailbox
//! and its submission stay one.

use hongyan_delivery::submission::addressed_to;
use hongyan_delivery::{DeliveryEnvelope, DeliveryRecipient, Outcome};
use hongyan_jmap::MethodErrorType;
use hongyan_queue::{QueueId, Withdraw};

use super::create::{Leaving, deliver, unavailable};
use crate::error::Failure;
use crate::refused::{Changed, Refused};

impl Leaving<'_> {
    fn copy(&self, number: usize, recipient: &DeliveryRecipient, submission: u64) -> DeliveryEnvelope {
        DeliveryEnvelope {
            id: self.id.of_copy(u32::try_from(number).unwrap_or(u32::MAX - 1)),
            recipients: vec![recipient.clone()],
            ..self.envelope(submission)
        }
    }

    /// Hands a copy for each recipient over; the outcomes in order. A mailbox that cannot answer is served from the queue.
    pub(super) async fn deliver_separately(&self, header: &[u8], submission: u64) -> Changed<Vec<Outcome>> {
        let delivery = &self.call.jmap.services.delivery;
        let mut outcomes = Vec::with_capacity(self.recipients.len());
        for (number, recipient) in self.recipients.iter().enumerate() {
            let header = addressed_to(header, &recipient.address);
            let envelope = self.copy(number, recipient, submission);
            let sink = delivery.sink(std::slice::from_ref(recipient), envelope.tenant);
            let sink = self.fill(sink, &header).await?;
            let told = deliver(self.call, envelope.clone(), sink).await?;
            let mut outcome = told
                .into_iter()
                .next()
                .ok_or_else(|| Failure::from(MethodErrorType::ServerFail))?;
            if matches!(outcome, Outcome::Deferred(_)) {
                let sink = self.fill(delivery.sink(&[], envelope.tenant), &header).await?;
                let kept = delivery.schedule(&envelope, sink, self.now.millis, self.id).await;
                if let Ok(Ok(_)) = kept {
                    outcome = Outcome::Queued;
                }
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Keeps a copy for each recipient until then, all of them in one shard; where they wait.
    pub(super) async fn schedule_separately(
        &self,
        header: &[u8],
        submission: u64,
        not_before_millis: i64,
    ) -> Changed<Vec<(u16, u64)>> {
        let delivery = &self.call.jmap.services.delivery;
        let mut entries = Vec::with_capacity(self.recipients.len());
        for (number, recipient) in self.recipients.iter().enumerate() {
            let header = addressed_to(header, &recipient.address);
            let envelope = self.copy(number, recipient, submission);
            let sink = self.fill(delivery.sink(&[], envelope.tenant), &header).await?;
            let kept = match delivery.schedule(&envelope, sink, not_before_millis, self.id).await {
                Ok(kept) => kept.map_err(|refusal| unavailable(refusal.text.into_owned())),
                Err(_) => Err(Refused::Failed(MethodErrorType::ServerUnavailable.into())),
            };
            match kept {
                Ok(kept) => entries.extend(kept.into_iter().map(|entry| (entry.queue.shard, entry.number))),
                Err(refused) => {
                    self.take_back(&entries).await;
                    return Err(refused);
                }
            }
        }
        Ok(entries)
    }

    /// All or none leave.
    async fn take_back(&self, entries: &[(u16, u64)]) {
        let Some((shard, _)) = entries.first().copied() else {
            return;
        };
        let request = Withdraw {
            numbers: entries.iter().map(|(_, number)| *number).collect(),
        };
        let jmap = self.call.jmap;
        let within = jmap.settings.ask_timeout;
        let asked = jmap.services.router.ask(&QueueId { shard }, request, within).await;
        if !matches!(asked, Ok(Ok(()))) {
            tracing::warn!(event = "jmap_copies_left", shard, count = entries.len());
        }
    }
}
