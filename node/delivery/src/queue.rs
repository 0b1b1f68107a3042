//! What waits or leaves: handed to the queue, durably.

use std::collections::BTreeMap;

use hongyan_mailbox::NewMessage;
use hongyan_queue::{
    Accept, BodyKind, Destination, EntryId, NewEntry, NewRecipient, Notify, QueueError, QueueId, ReturnContent,
};
use hongyan_router::AskError;
use hongyan_types::{Address, TenantId};

use crate::plan::{Plan, Stop};
use crate::report::Status;
use crate::sink::Stored;
use crate::{Answer, Delivery, DeliveryEnvelope, DeliveryRecipient, Outcome, Refusal, Target};

/// Recipients of one entry, and of one request: both stay far below what a transaction may hold.
pub(crate) const ENTRY_RECIPIENTS_MAX: usize = 500;
pub(crate) const REQUEST_RECIPIENTS_MAX: usize = 1500;

/// The shard follows from the id, so that a repeat meets the first try.
pub(crate) fn queue_of(delivery_id: &[u8]) -> QueueId {
    let spread = delivery_id
        .iter()
        .fold(0_u64, |seen, byte| seen.rotate_left(7) ^ u64::from(*byte));
    QueueId::pick(spread)
}

impl Delivery {
    /// Hands everything that goes to other hosts to the queue. One outcome for all of it; `None` when nothing leaves.
    pub(crate) async fn send_away(&self, envelope: &DeliveryEnvelope, plan: &Plan, stored: &Stored) -> Option<Outcome> {
        let mut leaving: BTreeMap<(u64, String, Option<String>), Vec<NewRecipient>> = BTreeMap::new();
        for (recipient, share) in envelope.recipients.iter().zip(&plan.shares) {
            let tenant = match (&recipient.target, envelope.tenant) {
                (Target::Group(group), None) => group.tenant,
                (_, Some(tenant)) => tenant,
                (_, None) if share.remote.is_empty() => continue,
                // Nobody's queue: mail from outside does not leave again. RCPT has refused it already.
                (_, None) => return Some(Outcome::Deferred(QUEUE_UNAVAILABLE)),
            };
            // RFC 5321 §3.9.2: what comes back goes to whoever looks after the list.
            let list = match &recipient.target {
                Target::Group(group) if group.owner.is_some() && envelope.sender.is_some() => {
                    Some(group.address.to_string())
                }
                _ => None,
            };
            for address in &share.remote {
                let key = (tenant.0, address.domain.as_str().to_owned(), list.clone());
                leaving.entry(key).or_default().push(new_recipient(recipient, address));
            }
        }
        if leaving.is_empty() {
            return None;
        }
        let mut part = 0_u32;
        let mut by_tenant: BTreeMap<u64, Vec<NewEntry>> = BTreeMap::new();
        for ((tenant, domain, list), recipients) in leaving {
            for some in recipients.chunks(ENTRY_RECIPIENTS_MAX) {
                let destination = Destination::Domain(domain.clone());
                let mut entry = self.entry(envelope, stored, TenantId(tenant), destination, some.to_vec());
                if list.is_some() {
                    entry.sender.clone_from(&list);
                }
                by_tenant.entry(tenant).or_default().push(entry);
            }
        }
        for (tenant, entries) in by_tenant {
            let Some(message) = stored.of(TenantId(tenant)) else {
                return Some(Outcome::Deferred(QUEUE_UNAVAILABLE));
            };
            for some in batches(entries) {
                part += 1;
                let id = [&envelope.id.0[..], &part.to_be_bytes()].concat();
                let outcome = self.accept(id, message, some).await;
                if !outcome.is_accepted() {
                    return Some(outcome);
                }
            }
        }
        Some(Outcome::Queued)
    }

    /// Keeps a message in the queue for a mailbox of ours that cannot take it now.
    pub(crate) async fn queue_for_mailbox(&self, envelope: &DeliveryEnvelope, stop: &Stop, stored: &Stored) -> Outcome {
        let (Some(message), Some(recipient)) =
            (stored.of(stop.mailbox.tenant), envelope.recipients.get(stop.recipient))
        else {
            return Outcome::Deferred(QUEUE_UNAVAILABLE);
        };
        let recipient = match &recipient.target {
            // The sender wrote to a list; its members are none of the sender's business.
            Target::Group(_) => NewRecipient {
                address: stop.account.address.to_string(),
                original: None,
                notify: Some(NEVER),
            },
            _ => new_recipient(recipient, &recipient.address),
        };
        let entry = self.entry(
            envelope,
            stored,
            stop.mailbox.tenant,
            Destination::Local,
            vec![recipient],
        );
        let id = [&envelope.id.0[..], b"local", &stop.account.id.0.to_be_bytes()].concat();
        self.accept(id, message, vec![entry]).await
    }

    /// Takes over what the client cannot be told of, because others were served: mailboxes that may take it later. A
    /// client with a reply for each recipient is told, but not of the members of a group.
    pub(crate) async fn take_over(
        &self,
        envelope: &DeliveryEnvelope,
        plan: &Plan,
        stored: &Stored,
        stops: &mut [Outcome],
        answer: Answer,
    ) {
        for (stop, outcome) in plan.stops.iter().zip(stops) {
            let recipient = envelope.recipients.get(stop.recipient);
            let member = recipient.is_some_and(|recipient| matches!(recipient.target, Target::Group(_)));
            if matches!(outcome, Outcome::Deferred(_)) && (member || answer == Answer::Whole) {
                *outcome = self.queue_for_mailbox(envelope, stop, stored).await;
            }
        }
    }

    pub(crate) fn entry(
        &self,
        envelope: &DeliveryEnvelope,
        stored: &Stored,
        tenant: TenantId,
        destination: Destination,
        recipients: Vec<NewRecipient>,
    ) -> NewEntry {
        let body = match (envelope.binary, stored.is_ascii()) {
            (true, _) => BodyKind::Binary,
            (false, true) => BodyKind::SevenBit,
            (false, false) => BodyKind::EightBit,
        };
        let international = envelope.sender.as_ref().is_some_and(Address::is_internationalized)
            || recipients.iter().any(|recipient| !recipient.address.is_ascii());
        let subject = stored
            .of(tenant)
            .and_then(|message| message.structure.envelope.subject.clone());
        NewEntry {
            sender: envelope.sender.as_ref().map(Address::to_string),
            envelope_id: envelope.envid.clone(),
            return_content: envelope.ret.map(|ret| match ret {
                hongyan_smtp::Return::Full => ReturnContent::Full,
                hongyan_smtp::Return::Headers => ReturnContent::Headers,
            }),
            body,
            smtputf8: envelope.smtputf8 || international,
            destination,
            recipients,
            not_before_millis: 0,
            subject: subject.unwrap_or_default(),
            submission: envelope.submission,
        }
    }

    async fn accept(&self, delivery_id: Vec<u8>, message: &NewMessage, entries: Vec<NewEntry>) -> Outcome {
        match self.hand_over(delivery_id, message, entries).await {
            Ok(_) => Outcome::Queued,
            Err(refusal) => Outcome::Deferred(refusal),
        }
    }

    /// Gives entries to the queue: their names, which a repeat of the same delivery id does not learn any more.
    pub(crate) async fn hand_over(
        &self,
        delivery_id: Vec<u8>,
        message: &NewMessage,
        entries: Vec<NewEntry>,
    ) -> Result<Vec<EntryId>, Refusal> {
        let queue = queue_of(&delivery_id);
        self.hand_over_to(queue, delivery_id, message, entries).await
    }

    /// As [`Self::hand_over`], to this shard.
    pub(crate) async fn hand_over_to(
        &self,
        queue: QueueId,
        delivery_id: Vec<u8>,
        message: &NewMessage,
        entries: Vec<NewEntry>,
    ) -> Result<Vec<EntryId>, Refusal> {
        let parts = &self.0.parts;
        let request = Accept {
            delivery_id,
            blob: message.blob.clone(),
            entries,
        };
        let mut last = QUEUE_UNAVAILABLE;
        for _ in 0..2 {
            match parts
                .router
                .ask(&queue, request.clone(), parts.settings.mailbox_timeout)
                .await
            {
                Ok(Ok(accepted)) => return Ok(accepted.entries),
                Err(AskError::Overloaded) => return Err(BUSY),
                Ok(Err(error)) => {
                    log(&error);
                    last = QUEUE_UNAVAILABLE;
                }
                // Whether it was taken is not known: the same id again finds out.
                Err(AskError::Unavailable | AskError::Deadline) => {}
            }
        }
        Err(last)
    }
}

pub(crate) fn new_recipient(recipient: &DeliveryRecipient, address: &Address) -> NewRecipient {
    let original = recipient.original.as_ref();
    NewRecipient {
        address: address.to_string(),
        original: original.map(|(kind, address)| format!("{kind};{address}")),
        notify: recipient.notify.map(|notify| Notify {
            success: notify.success,
            failure: notify.failure,
            delay: notify.delay,
        }),
    }
}

/// Entries in groups that one transaction can take.
fn batches(entries: Vec<NewEntry>) -> Vec<Vec<NewEntry>> {
    let mut batches = vec![Vec::new()];
    let mut recipients = 0;
    for entry in entries {
        recipients += entry.recipients.len();
        if recipients > REQUEST_RECIPIENTS_MAX {
            recipients = entry.recipients.len();
            batches.push(Vec::new());
        }
        if let Some(last) = batches.last_mut() {
            last.push(entry);
        }
    }
    batches
}

fn log(error: &QueueError) {
    tracing::warn!(event = "delivery_queue_failed", %error);
}

const NEVER: Notify = Notify {
    success: false,
    failure: false,
    delay: false,
};
pub(crate) const QUEUE_UNAVAILABLE: Refusal =
    Refusal::new(Status(4, 3, 0), "The queue cannot take the message now, try again");
const BUSY: Refusal = Refusal::new(Status(4, 3, 2), "Too busy, try again");
