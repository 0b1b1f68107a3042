//! Takes a message, durably: one entry a destination.

use hongyan_blob::NewBlob;
use hongyan_kv::Transaction;
use hongyan_trail::SubmissionId;

use crate::queue::Queue;
use crate::record::{BodyKind, Destination, Entry, Notify, Recipient, RecipientState, ReturnContent};
use crate::{EntryId, QueueError};

/// Takes a message. The reply means that it is durable.
#[derive(Debug, Clone)]
pub struct Accept {
    /// The same on a repeat of the same message: the second one has no effect. Distinct for distinct parts of a message.
    pub delivery_id: Vec<u8>,
    /// The message's bytes.
    pub blob: NewBlob,
    /// One for each destination.
    pub entries: Vec<NewEntry>,
}

/// A message for one destination.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Where reports go; none for the null sender.
    pub sender: Option<String>,
    /// ENVID.
    pub envelope_id: Option<String>,
    /// RET.
    pub return_content: Option<ReturnContent>,
    /// What octets it holds.
    pub body: BodyKind,
    /// Whether addresses or header hold UTF-8.
    pub smtputf8: bool,
    /// Where it goes.
    pub destination: Destination,
    /// Who receives it there.
    pub recipients: Vec<NewRecipient>,
    /// Not before this time, in milliseconds since the Unix epoch; 0 is at once.
    pub not_before_millis: i64,
    /// The subject, for lists and reports.
    pub subject: String,
    /// In whose trail outcomes are noted, if in any.
    pub submission: Option<SubmissionId>,
}

/// A recipient of a new entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipient {
    /// The address.
    pub address: String,
    /// ORCPT, `type;address`.
    pub original: Option<String>,
    /// NOTIFY, if given.
    pub notify: Option<Notify>,
}

/// Taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptReply {
    /// The entries made; empty when the delivery id was known already.
    pub entries: Vec<EntryId>,
}

impl Queue {
    pub(crate) async fn accept(
        &self,
        transaction: &mut Transaction,
        request: &Accept,
        now_millis: i64,
    ) -> Result<AcceptReply, QueueError> {
        let known = self.keys.delivery(&request.delivery_id);
        if transaction.get(&known).await?.is_some() {
            return Ok(AcceptReply { entries: Vec::new() });
        }
        transaction.set(known, now_millis.to_be_bytes().to_vec());
        transaction.set(self.keys.accepted(now_millis, &request.delivery_id), Vec::new());
        let mut entries = Vec::with_capacity(request.entries.len());
        for new in &request.entries {
            let number = self.next_number(transaction).await?;
            request.blob.attach(transaction, &self.owner(number)).await?;
            let entry = entry_of(request, new, now_millis);
            transaction.set(self.keys.due(entry.due_millis, number), Vec::new());
            transaction.set(self.keys.entry(number), entry.encode());
            transaction.atomic_add(self.keys.count(), 1);
            entries.push(EntryId { queue: self.id, number });
        }
        Ok(AcceptReply { entries })
    }
}

fn entry_of(request: &Accept, new: &NewEntry, now_millis: i64) -> Entry {
    let recipients = new.recipients.iter().map(|recipient| Recipient {
        address: recipient.address.clone(),
        original: recipient.original.clone(),
        notify: recipient.notify.unwrap_or_default(),
        state: RecipientState::Pending,
        last: None,
        owed: None,
        notify_asked: recipient.notify.is_some(),
    });
    Entry {
        tenant: request.blob.tenant(),
        blob: request.blob.address().0.to_vec(),
        octets: request.blob.octets(),
        sender: new.sender.clone(),
        envelope_id: new.envelope_id.clone(),
        return_content: new.return_content,
        body: new.body,
        smtputf8: new.smtputf8,
        destination: new.destination.clone(),
        recipients: recipients.collect(),
        // A message that leaves later is as old as it would be if it had come then.
        accepted_millis: now_millis.max(new.not_before_millis),
        due_millis: now_millis.max(new.not_before_millis),
        attempts: 0,
        held: false,
        delay_reported: false,
        subject: new.subject.clone(),
        delivery_id: request.delivery_id.clone(),
        submission: new.submission.map(|of| (of.tenant.0, of.account.0, of.number)),
    }
}
