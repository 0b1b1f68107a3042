//! What is told of mail that was sent or came: to whoever counts it and logs it (STAT-1, STAT-2, STAT-5).

use hongyan_mailbox::{DeliverReply, FolderId, MailboxId};
use hongyan_message::words;
use hongyan_types::{Address, Timestamp};

use crate::plan::Stop;
use crate::sink::Stored;
use crate::{Delivery, DeliveryEnvelope, Outcome};

/// Recipients that are told of one by one.
const RECIPIENTS_MAX: usize = 50;

/// Which way a mail went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The account sent it; in the trail under this number, if at all.
    Sent {
        /// The number.
        submission: Option<u64>,
    },
    /// It is in the mailbox.
    Came {
        /// The folder.
        folder: FolderId,
        /// The mail.
        email: u64,
    },
    /// It came, and the mailbox refused it for good.
    TurnedAway,
}

/// A mail that an account sent or got.
#[derive(Debug, Clone)]
pub struct MailNote {
    /// Whose mail.
    pub mailbox: MailboxId,
    /// Their address.
    pub owner: String,
    /// Which way it went.
    pub way: Way,
    /// When.
    pub at: Timestamp,
    /// The subject, decoded.
    pub subject: String,
    /// Who sent it; `None` is the null sender.
    pub sender: Option<Address>,
    /// To whom and with what outcome: the first of them.
    pub recipients: Vec<(String, Outcome)>,
    /// How many there were.
    pub recipients_total: usize,
    /// Its size.
    pub octets: u64,
}

impl Delivery {
    /// Tells that the submitter's mail was taken.
    pub(crate) fn note_sent(&self, envelope: &DeliveryEnvelope, stored: &Stored, outcomes: &[Outcome]) {
        let Some(submitter) = &envelope.submitter else { return };
        let mailbox = MailboxId {
            tenant: submitter.tenant,
            account: submitter.id,
        };
        let recipients = envelope.recipients.iter().zip(outcomes).take(RECIPIENTS_MAX);
        let recipients = recipients.map(|(recipient, outcome)| (recipient.address.to_string(), outcome.clone()));
        let submission = envelope.submission.map(|submission| submission.number);
        let mut note = self.mail_note(envelope, stored, mailbox, Way::Sent { submission });
        note.owner = submitter.address.to_string();
        note.recipients = recipients.collect();
        note.recipients_total = envelope.recipients.len();
        self.0.parts.mailboxes.note(note);
    }

    /// Tells that a mail came for a mailbox, and what the mailbox said.
    pub(crate) fn note_came(
        &self,
        envelope: &DeliveryEnvelope,
        stop: &Stop,
        stored: &Stored,
        (reply, outcome): (Option<&DeliverReply>, Outcome),
    ) {
        let way = match reply {
            Some(reply) => Way::Came {
                folder: reply.folder,
                email: reply.email.0,
            },
            None => Way::TurnedAway,
        };
        let mut note = self.mail_note(envelope, stored, stop.mailbox, way);
        note.owner = stop.account.address.to_string();
        let address = envelope.recipients.get(stop.recipient);
        let address = address.map_or_else(|| note.owner.clone(), |recipient| recipient.address.to_string());
        note.recipients = vec![(address, outcome)];
        self.0.parts.mailboxes.note(note);
    }

    fn mail_note(&self, envelope: &DeliveryEnvelope, stored: &Stored, mailbox: MailboxId, way: Way) -> MailNote {
        let message = stored.of(mailbox.tenant);
        let subject = message.and_then(|message| message.structure.envelope.subject.as_deref());
        MailNote {
            mailbox,
            owner: String::new(),
            way,
            at: Timestamp {
                millis: self.0.parts.env.wall_millis(),
            },
            subject: words::decode(subject.unwrap_or_default()).into_owned(),
            sender: envelope.sender.clone(),
            recipients: Vec::new(),
            recipients_total: 1,
            octets: message.map_or(0, |message| message.octets().0),
        }
    }
}
