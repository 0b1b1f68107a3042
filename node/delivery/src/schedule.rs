//! Messages that leave later (RFC 4865 semantics): all of it waits in one shard of the queue, so that it can be taken back
//! whole until the moment it leaves. Where addresses of ours lead is looked up then.

use std::collections::BTreeMap;

use hongyan_queue::{Destination, EntryId, NewEntry, NewRecipient};

use crate::queue::{ENTRY_RECIPIENTS_MAX, QUEUE_UNAVAILABLE, REQUEST_RECIPIENTS_MAX, new_recipient, queue_of};
use crate::report::Status;
use crate::sink::Stored;
use crate::trail::Ended;
use crate::{Delivery, DeliveryEnvelope, DeliveryId, MessageSink, Outcome, Refusal, SinkError, Target};

const TOO_MANY: Refusal = Refusal::new(Status(5, 5, 3), "The message has too many recipients to be sent later");

impl Delivery {
    /// Keeps a message until `not_before_millis`: the queue entries it waits in, none if it was kept by an earlier try
    /// under the same delivery id. The sink is one of the sender's tenant alone. Copies of a message that leave together
    /// have the delivery id `of` of the message, so that they wait in one shard and can be taken back together.
    ///
    /// # Errors
    /// When the message cannot be stored.
    pub async fn schedule(
        &self,
        envelope: &DeliveryEnvelope,
        sink: MessageSink,
        not_before_millis: i64,
        of: DeliveryId,
    ) -> Result<Result<Vec<EntryId>, Refusal>, SinkError> {
        let stored = sink.finish().await?;
        Ok(self.schedule_stored(envelope, &stored, not_before_millis, of).await)
    }

    /// As [`Self::schedule`] for a message by itself; its submitter has a copy in Sent (ACC-13).
    ///
    /// # Errors
    /// When the message cannot be stored.
    pub async fn hold(
        &self,
        envelope: &DeliveryEnvelope,
        sink: MessageSink,
        not_before_millis: i64,
    ) -> Result<Outcome, SinkError> {
        let stored = sink.finish().await?;
        let envelope = &*self.begin_trail(envelope, &stored, Some(not_before_millis)).await;
        let scheduled = self.schedule_stored(envelope, &stored, not_before_millis, envelope.id);
        let (outcome, entries, kept) = match scheduled.await {
            Ok(entries) => (Outcome::Queued, entries, self.keep_sent(envelope, &stored).await),
            Err(refusal) => (Outcome::Deferred(refusal), Vec::new(), None),
        };
        let ended = Ended {
            kept,
            outcomes: &[],
            entries: &entries,
        };
        self.end_trail(envelope, ended).await;
        Ok(outcome)
    }

    async fn schedule_stored(
        &self,
        envelope: &DeliveryEnvelope,
        stored: &Stored,
        not_before_millis: i64,
        of: DeliveryId,
    ) -> Result<Vec<EntryId>, Refusal> {
        let Some((tenant, message)) = envelope.tenant.and_then(|tenant| Some((tenant, stored.of(tenant)?))) else {
            return Err(QUEUE_UNAVAILABLE);
        };
        if envelope.recipients.len() > REQUEST_RECIPIENTS_MAX {
            return Err(TOO_MANY);
        }
        let entries: Vec<NewEntry> = by_destination(envelope)
            .into_iter()
            .map(|(destination, recipients)| NewEntry {
                not_before_millis,
                ..self.entry(envelope, stored, tenant, destination, recipients)
            })
            .collect();
        let id = [&envelope.id.0[..], b"later"].concat();
        let queue = queue_of(&[&of.0[..], b"later"].concat());
        let accepted = self.hand_over_to(queue, id, message, entries).await?;
        // None: an earlier try under the same id was accepted, and noted.
        if !accepted.is_empty() {
            self.note_sent(envelope, stored, &vec![Outcome::Queued; envelope.recipients.len()]);
        }
        Ok(accepted)
    }
}

fn by_destination(envelope: &DeliveryEnvelope) -> Vec<(Destination, Vec<NewRecipient>)> {
    let mut away: BTreeMap<String, Vec<NewRecipient>> = BTreeMap::new();
    let mut here = Vec::new();
    for recipient in &envelope.recipients {
        let new = new_recipient(recipient, &recipient.address);
        match &recipient.target {
            Target::Remote => away
                .entry(recipient.address.domain.as_str().to_owned())
                .or_default()
                .push(new),
            Target::Account(_) | Target::Group(_) => here.push(new),
            Target::Returned => {}
        }
    }
    let away = away
        .into_iter()
        .map(|(domain, recipients)| (Destination::Domain(domain), recipients));
    away.chain([(Destination::Local, here)])
        .flat_map(|(destination, recipients)| {
            let some: Vec<Vec<NewRecipient>> = recipients.chunks(ENTRY_RECIPIENTS_MAX).map(<[_]>::to_vec).collect();
            some.into_iter().map(move |some| (destination.clone(), some))
        })
        .collect()
}
