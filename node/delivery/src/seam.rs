//! What the queue's runner asks of delivery: another try at a mailbox of ours, and reports.

use hongyan_directory::Resolution;
use hongyan_queue::{
    Attempt, Entry, EntryId, LocalDelivery, LocalFuture, Outcome as Brought, Recipient, RecipientState, ReportKind,
    Reporter, ReturnContent,
};
use hongyan_trail::Submissions;
use hongyan_types::{Address, TenantId, Timestamp};

use crate::plan::{Plan, Stop};
use crate::report::{Action, Report, ReportRecipient, Returned, Status};
use crate::sink::Stored;
use crate::{Answer, Delivery, DeliveryEnvelope, DeliveryId, DeliveryRecipient, Outcome, Refusal, SentCopy, Target};

/// Larger messages come back as their header only, whatever RET asks for.
const RETURNED_OCTETS_MAX: u64 = 256 << 10;
/// More of a header than this does not come back.
const HEADER_OCTETS_MAX: u64 = 64 << 10;
/// First octet of the delivery ids of reports; the rest names the entry and the kind.
const REPORT_MARK: u8 = b'r';

impl LocalDelivery for Delivery {
    fn deliver<'a>(&'a self, _: EntryId, entry: &'a Entry) -> LocalFuture<'a, Vec<(usize, Brought)>> {
        Box::pin(self.redeliver(entry))
    }
    fn held<'a>(&'a self, entry: &'a Entry) -> LocalFuture<'a, Option<Attempt>> {
        Box::pin(self.held_back(entry))
    }
}

impl Reporter for Delivery {
    fn report<'a>(&'a self, id: EntryId, entry: &'a Entry, kind: ReportKind) -> LocalFuture<'a, Result<(), String>> {
        Box::pin(self.report_entry(id, entry, kind))
    }
}

impl Delivery {
    /// MEM-15: what was scheduled waits while whoever sent it is disabled.
    async fn held_back(&self, entry: &Entry) -> Option<Attempt> {
        // What has been tried has left.
        let of = entry.trail().filter(|_| entry.attempts == 0)?;
        let parts = &self.0.parts;
        let refusal = match parts.directory.account(of.account).await {
            Ok(Some(account)) if !account.state.takes_mail() => SENDER_DISABLED,
            Ok(_) => return None,
            Err(error) => {
                tracing::warn!(event = "delivery_directory_failed", %error);
                NOT_READABLE
            }
        };
        let submissions = Submissions::of(of.tenant, of.account);
        let found = submissions.get(&mut parts.database.begin(), of.number).await;
        match found {
            Ok(submission) => submission.filter(|submission| submission.is_scheduled)?,
            Err(error) => {
                tracing::warn!(event = "delivery_trail_not_read", %error);
                return Some(self.said(NOT_READABLE));
            }
        };
        Some(self.said(refusal))
    }

    async fn redeliver(&self, entry: &Entry) -> Vec<(usize, Brought)> {
        let pending = entry.recipients.iter().enumerate();
        let pending = pending.filter(|(_, recipient)| recipient.state == RecipientState::Pending);
        let mut brought = Vec::new();
        let mut found = Vec::new();
        for (index, recipient) in pending {
            match self.find_again(recipient).await {
                Ok(recipient) => found.push((index, recipient)),
                Err(outcome) => brought.push((index, self.attempt(outcome))),
            }
        }
        let (indexes, recipients): (Vec<usize>, Vec<DeliveryRecipient>) = found.into_iter().unzip();
        let stored = self.read_back(entry, &recipients).await;
        for (index, recipient) in indexes.into_iter().zip(recipients) {
            let outcome = match &stored {
                Ok(stored) => self.redeliver_to(entry, recipient, stored).await,
                Err(error) => {
                    tracing::warn!(event = "delivery_read_back_failed", error);
                    Outcome::Deferred(NOT_READABLE)
                }
            };
            brought.push((index, self.attempt(outcome)));
        }
        brought
    }

    /// Where a recipient's address leads today.
    async fn find_again(&self, recipient: &Recipient) -> Result<DeliveryRecipient, Outcome> {
        let Ok(address) = Address::try_from(recipient.address.as_str()) else {
            return Err(Outcome::Refused(NO_SUCH_USER));
        };
        let target = match self.0.parts.directory.resolve(&address).await {
            Ok(Resolution::Account(target)) => Target::Account(target),
            Ok(Resolution::Group(group)) => Target::Group(group),
            Ok(Resolution::Suspended) => return Err(Outcome::Refused(SUSPENDED)),
            Ok(_) => return Err(Outcome::Refused(NO_SUCH_USER)),
            Err(error) => {
                tracing::warn!(event = "delivery_directory_failed", %error);
                return Err(Outcome::Deferred(NOT_READABLE));
            }
        };
        Ok(DeliveryRecipient {
            address,
            target,
            original: None,
            // The queue reports.
            notify: Some(hongyan_smtp::Notify::default()),
        })
    }

    async fn redeliver_to(&self, entry: &Entry, recipient: DeliveryRecipient, stored: &Stored) -> Outcome {
        let Some(id) = entry.delivery_id.first_chunk::<16>() else {
            return Outcome::Refused(NO_SUCH_USER);
        };
        let envelope = DeliveryEnvelope {
            id: DeliveryId(*id),
            sender: entry
                .sender
                .as_deref()
                .and_then(|sender| Address::try_from(sender).ok()),
            tenant: Some(TenantId(entry.tenant)),
            submitter: None,
            smtputf8: entry.smtputf8,
            binary: false,
            ret: None,
            envid: None,
            arrived: Timestamp {
                millis: entry.accepted_millis,
            },
            recipients: vec![recipient],
            sent_copy: SentCopy::AsSet,
            submission: None,
        };
        match envelope.recipients.first().map(|recipient| &recipient.target) {
            Some(Target::Account(target)) => {
                let stop = Stop::of(&target.account, 0);
                self.deliver_to(&envelope, &stop, stored, Answer::Each).await
            }
            // A message that was to go later goes to the members that the group has by then.
            _ => {
                // Whether its sender may write to the group was asked when it was accepted.
                let plan = Plan::accepted(&envelope);
                let outcomes = self.deliver_stored(&envelope, plan, stored, Answer::Whole).await;
                outcomes.into_iter().next().unwrap_or(Outcome::Deferred(NOT_READABLE))
            }
        }
    }

    /// The queue's message as a mailbox takes it. Its blob is stored, so that only its structure is made anew.
    async fn read_back(&self, entry: &Entry, recipients: &[DeliveryRecipient]) -> Result<Stored, String> {
        let blobs = &self.0.parts.blobs;
        let mut sink = self.sink(recipients, Some(TenantId(entry.tenant)));
        let mut reader = blobs
            .open_blob(entry.tenant, &entry.blob_address())
            .await
            .map_err(|error| error.to_string())?;
        while let Some(chunk) = reader.next_chunk().await.map_err(|error| error.to_string())? {
            sink.push(&chunk).await.map_err(|error| error.to_string())?;
        }
        sink.finish().await.map_err(|error| error.to_string())
    }

    fn attempt(&self, outcome: Outcome) -> Brought {
        match outcome {
            Outcome::Delivered | Outcome::Queued => Brought::Delivered(Attempt {
                host: self.0.parts.settings.host_name.to_string(),
                code: 250,
                status: "2.0.0".to_owned(),
                ..Attempt::default()
            }),
            Outcome::Deferred(refusal) => Brought::Deferred(self.said(refusal)),
            Outcome::Refused(refusal) => Brought::Bounced(self.said(refusal)),
        }
    }

    fn said(&self, refusal: Refusal) -> Attempt {
        Attempt {
            host: self.0.parts.settings.host_name.to_string(),
            code: refusal.code(),
            status: refusal.status.to_string(),
            text: refusal.text.into_owned(),
            ..Attempt::default()
        }
    }

    async fn report_entry(&self, id: EntryId, entry: &Entry, kind: ReportKind) -> Result<(), String> {
        let sender = entry
            .sender
            .as_deref()
            .and_then(|sender| Address::try_from(sender).ok());
        // RFC 5321 §6.1: nobody answers the null sender.
        let Some(to) = sender else {
            return Ok(());
        };
        let owed = entry.recipients.iter().filter(|recipient| recipient.owed == Some(kind));
        let recipients: Vec<_> = owed.map(|recipient| line(recipient, kind)).collect();
        if recipients.is_empty() {
            return Ok(());
        }
        let parts = &self.0.parts;
        let report = Report {
            host_name: parts.settings.host_name.to_string(),
            to,
            arrived: Timestamp {
                millis: entry.accepted_millis,
            },
            now: Timestamp {
                millis: parts.env.wall_millis(),
            },
            envelope_id: entry.envelope_id.clone(),
            recipients,
            returned: self.entry_returned(entry, kind).await?,
            help_link: parts.settings.help_link.clone(),
            unique: parts.env.random_u64(),
        };
        // The id follows from entry and kind: asked a second time, it is a repeat.
        let mut name = [0; 16];
        let number = id.number.to_be_bytes();
        let shard = id.queue.shard.to_be_bytes();
        let kind = match kind {
            ReportKind::Failure => b'f',
            ReportKind::Delay => b'd',
            ReportKind::Success => b's',
        };
        let octets = [REPORT_MARK, kind, 0, 0, 0, 0].into_iter().chain(shard).chain(number);
        name.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        if self
            .send_report_as(DeliveryId(name), &report, TenantId(entry.tenant))
            .await
        {
            Ok(())
        } else {
            Err("the report could not be delivered or queued".to_owned())
        }
    }

    async fn entry_returned(&self, entry: &Entry, kind: ReportKind) -> Result<Returned, String> {
        let whole = kind == ReportKind::Failure
            && entry.return_content == Some(ReturnContent::Full)
            && entry.octets <= RETURNED_OCTETS_MAX;
        let octets = if whole {
            entry.octets
        } else {
            entry.octets.min(HEADER_OCTETS_MAX)
        };
        let blobs = &self.0.parts.blobs;
        let mut reader = blobs
            .open_blob(entry.tenant, &entry.blob_address())
            .await
            .map_err(|error| error.to_string())?;
        let bytes = reader
            .read(0, usize::try_from(octets).unwrap_or(0))
            .await
            .map_err(|error| error.to_string())?;
        Ok(if whole {
            Returned::Full(bytes)
        } else {
            let header = hongyan_message::header::octets(&bytes);
            Returned::Header(bytes.slice(..header))
        })
    }
}

fn line(recipient: &Recipient, kind: ReportKind) -> ReportRecipient {
    let last = recipient.last.clone().unwrap_or_default();
    let status = status_of(&last, kind);
    let action = match kind {
        ReportKind::Failure => Action::Failed,
        ReportKind::Delay => Action::Delayed { retry_until: None },
        ReportKind::Success => Action::Relayed,
    };
    let said = last.code > 0;
    ReportRecipient {
        address: recipient.address.clone(),
        original: recipient
            .original
            .as_deref()
            .and_then(|original| original.split_once(';'))
            .map(|(kind, address)| (kind.to_owned(), address.to_owned())),
        action,
        status,
        diagnostic: said.then(|| format!("{} {} {}", last.code, last.status, last.text)),
        remote_host: Some(last.host).filter(|host| !host.is_empty()),
        last_attempt: None,
    }
}

/// The status the next host gave, with the class that fits the report: what was temporary and is given up is a failure.
fn status_of(last: &Attempt, kind: ReportKind) -> Status {
    let class = match kind {
        ReportKind::Failure => 5,
        ReportKind::Delay => 4,
        ReportKind::Success => 2,
    };
    let mut numbers = last.status.split('.').skip(1).map(|number| number.parse::<u16>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(subject), Some(detail)) => Status(class, subject, detail),
        // RFC 3463 §3.5: delivery time expired.
        _ if kind != ReportKind::Success && last.code < 500 => Status(class, 4, 7),
        _ => Status(class, 0, 0),
    }
}

const NO_SUCH_USER: Refusal = Refusal::new(Status(5, 1, 1), "No such user here");
const SUSPENDED: Refusal = Refusal::new(Status(5, 2, 1), "Mailbox is not active");
const SENDER_DISABLED: Refusal = Refusal::new(Status(4, 2, 1), hongyan_trail::HELD);
const NOT_READABLE: Refusal = Refusal::new(Status(4, 3, 0), "Message cannot be delivered now");
