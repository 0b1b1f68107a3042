//! One delivery to one mailbox.

use std::sync::Arc;
use std::time::Duration;

use hongyan_directory::{AccountRecord, Limit};
use hongyan_mailbox::{Acting, Deliver, DeliverReply, EmailId, FolderRef, MailboxError, MailboxId, SpecialUse};
use hongyan_queue::LocalFuture;
use hongyan_router::{AskError, Router};
use hongyan_types::{AccountId, Flag, SystemFlag};

use crate::plan::Stop;
use crate::report::Status;
use crate::sink::Stored;
use crate::{Answer, Delivery, DeliveryEnvelope, MailNote, Outcome, Refusal, SentCopy};

/// The way to mailboxes: the router, or a probe in tests.
pub trait Mailboxes: Send + Sync + 'static {
    /// Asks `mailbox` to take a delivery.
    fn deliver(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>>;
    /// Asks `mailbox` to keep what `person` has sent in its name: the mailbox notes who it was.
    fn keep(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        person: AccountId,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        let _ = person;
        self.deliver(mailbox, request, within)
    }
    /// The account has sent a mail that somebody gets, or one has come for it; whoever counts and logs them does so.
    fn note(&self, note: MailNote) {
        let _ = note;
    }
}

impl Mailboxes for Router {
    fn deliver(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        Box::pin(async move { self.ask(&mailbox, request, within).await })
    }
    fn keep(
        &self,
        mailbox: MailboxId,
        request: Deliver,
        person: AccountId,
        within: Duration,
    ) -> LocalFuture<'_, Result<Result<DeliverReply, MailboxError>, AskError>> {
        Box::pin(async move { self.ask(&mailbox, Acting::new(request, Some(person)), within).await })
    }
}

/// Distinguishes the sender's own copy from a delivery to the same mailbox.
const PURPOSE_SENT: u8 = 1;

impl Delivery {
    /// Delivers to one mailbox; a mailbox that cannot answer is served through the queue, unless the client keeps the
    /// message itself.
    pub(crate) async fn deliver_to(
        &self,
        envelope: &DeliveryEnvelope,
        stop: &Stop,
        stored: &Stored,
        answer: Answer,
    ) -> Outcome {
        let Some(message) = stored.of(stop.mailbox.tenant) else {
            return Outcome::Deferred(UNAVAILABLE);
        };
        if let Some(outcome) = self.too_large(envelope, stop, message.octets().0).await {
            return outcome;
        }
        let request = Deliver {
            message: message.clone(),
            folder: FolderRef::INBOX,
            flags: Vec::new(),
            internal_date: Some(envelope.arrived),
            delivery_id: Some(hongyan_mailbox::DeliveryId(envelope.id.0)),
            ignore_quota: false,
        };
        // Whether somebody is away is looked up while the mailbox commits.
        let (asked, vacation) = futures_util::join!(self.ask(stop, request), self.away(stop.mailbox));
        match asked {
            Ok(Ok(reply)) => {
                self.has_room(stop.mailbox).await;
                if reply.is_repeat {
                    tracing::info!(event = "delivery_repeat", id = %envelope.id, account = stop.account.id.0);
                } else {
                    self.note_came(envelope, stop, stored, (Some(&reply), Outcome::Delivered));
                    self.note_report(stop.mailbox, message, reply.email).await;
                    if let Some(vacation) = vacation {
                        self.say_away(&vacation, envelope, stop, message).await;
                    }
                }
                Outcome::Delivered
            }
            Ok(Err(MailboxError::OverQuota)) => {
                let outcome = self.no_room(stop.mailbox).await;
                if matches!(outcome, Outcome::Refused(_)) {
                    self.note_came(envelope, stop, stored, (None, outcome.clone()));
                }
                outcome
            }
            Ok(Err(error)) if error.is_temporary() => self.wait_for(envelope, stop, stored, answer).await,
            Ok(Err(error)) => {
                tracing::error!(event = "delivery_refused_by_mailbox", id = %envelope.id, %error);
                Outcome::Deferred(UNAVAILABLE)
            }
            // Too much is going on: the client is better at waiting than our queue.
            Err(AskError::Overloaded) => Outcome::Deferred(BUSY),
            // Whether it was delivered is not known; the queue tries again under the same id.
            Err(AskError::Unavailable | AskError::Deadline) => self.wait_for(envelope, stop, stored, answer).await,
        }
    }

    /// Refuses what is larger than the mailbox takes (GEN-5). Reports come all the same.
    async fn too_large(&self, envelope: &DeliveryEnvelope, stop: &Stop, octets: u64) -> Option<Outcome> {
        envelope.sender.as_ref()?;
        match self.0.parts.directory.limits_of(&stop.account).await {
            Ok(limits) => limits.of(Limit::MessageOctetsMax).excess(octets).map(|text| {
                Outcome::Refused(Refusal {
                    status: Status(5, 2, 3),
                    text: format!("Message is too large: {text}").into(),
                })
            }),
            Err(error) => {
                tracing::warn!(event = "delivery_directory_failed", %error);
                Some(Outcome::Deferred(UNAVAILABLE))
            }
        }
    }

    async fn wait_for(&self, envelope: &DeliveryEnvelope, stop: &Stop, stored: &Stored, answer: Answer) -> Outcome {
        match answer {
            Answer::Each => Outcome::Deferred(UNAVAILABLE),
            Answer::Whole => self.queue_for_mailbox(envelope, stop, stored).await,
        }
    }

    /// Keeps the sender's own copy in Sent (ACC-13). The mail is on its way, whatever becomes of the copy.
    pub(crate) async fn keep_sent(&self, envelope: &DeliveryEnvelope, stored: &Stored) -> Option<EmailId> {
        let submitter = envelope.submitter.as_ref()?;
        let account = &self.sent_from(envelope, submitter).await;
        let is_kept = match envelope.sent_copy {
            SentCopy::AsSet => account.settings.keep_sent,
            SentCopy::Kept => true,
            SentCopy::NotKept => false,
        };
        if !is_kept {
            return None;
        }
        let message = stored.of(account.tenant)?;
        let stop = Stop::of(account, 0);
        let request = Deliver {
            message: message.clone(),
            folder: FolderRef::Use(SpecialUse::Sent),
            flags: vec![Flag::System(SystemFlag::Seen)],
            internal_date: Some(envelope.arrived),
            delivery_id: Some(hongyan_mailbox::DeliveryId(envelope.id.with_purpose(PURPOSE_SENT).0)),
            ignore_quota: false,
        };
        let kept = match account.id == submitter.id {
            true => self.ask(&stop, request).await,
            false => {
                let parts = &self.0.parts;
                let within = parts.settings.mailbox_timeout;
                parts.mailboxes.keep(stop.mailbox, request, submitter.id, within).await
            }
        };
        let error = match kept {
            Ok(Ok(reply)) => return Some(reply.email),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(event = "delivery_sent_copy_failed", id = %envelope.id, error);
        None
    }

    /// Whose mail it is: the submitter's, or that of the mailbox in whose name it is sent (SBX, DLG).
    pub(crate) async fn sent_from(
        &self,
        envelope: &DeliveryEnvelope,
        submitter: &Arc<AccountRecord>,
    ) -> Arc<AccountRecord> {
        let Some(sender) = envelope.sender.as_ref().filter(|sender| !submitter.owns(sender)) else {
            return Arc::clone(submitter);
        };
        match self.0.parts.directory.sender_rights(submitter).await {
            Ok(rights) => {
                let opening = rights.opening(sender);
                Arc::clone(opening.map_or(submitter, |opening| &opening.account))
            }
            Err(error) => {
                tracing::warn!(event = "delivery_directory_failed", %error);
                Arc::clone(submitter)
            }
        }
    }

    async fn ask(&self, stop: &Stop, request: Deliver) -> Result<Result<DeliverReply, MailboxError>, AskError> {
        let parts = &self.0.parts;
        let within = parts.settings.mailbox_timeout;
        parts.mailboxes.deliver(stop.mailbox, request, within).await
    }
}

const UNAVAILABLE: Refusal = Refusal::new(Status(4, 3, 0), "Mailbox cannot be reached now, try again");
const BUSY: Refusal = Refusal::new(Status(4, 3, 2), "Too busy, try again");
