//! Mail that a client submits over SMTP leaves a trail like mail that leaves over JMAP (TRK-2): a submission of the account
//! in whose name it goes, begun before anything is delivered, with the copy in Sent as its mail. JMAP keeps its own.

use std::borrow::Cow;

use hongyan_mailbox::{EmailId, MailboxId, read_email};
use hongyan_message::{AddressItem, message_id, words};
use hongyan_queue::EntryId;
use hongyan_trail::{Delivered, Progress, Recipient, SUBJECT_CHARACTERS_MAX, Submission, SubmissionId, Submissions};

use crate::sink::Stored;
use crate::{Delivery, DeliveryEnvelope, Outcome};

/// How a mail with a trail ended.
pub(crate) struct Ended<'a> {
    /// The copy in Sent.
    pub(crate) kept: Option<EmailId>,
    /// Of each recipient, in order; none of those that wait for their time.
    pub(crate) outcomes: &'a [Outcome],
    /// Where it waits for its time.
    pub(crate) entries: &'a [EntryId],
}

impl Outcome {
    /// What the trail says of it; nothing of what waits in the queue, which speaks for itself.
    #[must_use]
    pub fn told(&self) -> Option<(Delivered, String)> {
        Some(match self {
            Self::Delivered => (Delivered::Yes, "250 2.0.0 Delivered".to_owned()),
            Self::Queued => return None,
            Self::Deferred(refusal) | Self::Refused(refusal) => {
                let reply = format!("{} {} {}", refusal.code(), refusal.status, refusal.text);
                (Delivered::No, reply)
            }
        })
    }
}

impl Delivery {
    /// The envelope with the submission that follows it: unchanged when nobody submitted it. A mail whose trail cannot be
    /// written goes without one.
    pub(crate) async fn begin_trail<'e>(
        &self,
        envelope: &'e DeliveryEnvelope,
        stored: &Stored,
        not_before_millis: Option<i64>,
    ) -> Cow<'e, DeliveryEnvelope> {
        let Some(submitter) = &envelope.submitter else {
            return Cow::Borrowed(envelope);
        };
        let account = self.sent_from(envelope, submitter).await;
        let Some(message) = stored.of(account.tenant) else {
            return Cow::Borrowed(envelope);
        };
        let named = &message.structure.envelope;
        let from = named.from.iter().find_map(AddressItem::to_address);
        let subject = words::decode(named.subject.as_deref().unwrap_or_default());
        let submission = Submission {
            email: 0,
            thread: 0,
            identity: 0,
            mail_from: envelope.sender.as_ref().map(ToString::to_string).unwrap_or_default(),
            parameters: Vec::new(),
            send_at_millis: not_before_millis.unwrap_or(envelope.arrived.millis),
            is_scheduled: not_before_millis.is_some(),
            progress: Progress::Sending,
            entries: Vec::new(),
            message_id: named.message_id.as_deref().and_then(message_id::first),
            from: from.map(|from| from.to_string().to_lowercase()),
            reports: None,
            receipts: None,
            subject: Some(subject.chars().take(SUBJECT_CHARACTERS_MAX).collect()),
        };
        let recipients: Vec<Recipient> = envelope
            .recipients
            .iter()
            .zip(0..)
            .map(|(recipient, index)| Recipient::queued(index, recipient.address.to_string()))
            .collect();
        let submissions = Submissions::of(account.tenant, account.id);
        let now_millis = self.0.parts.env.wall_millis();
        let added = self
            .0
            .parts
            .database
            .run(async |transaction| submissions.add(transaction, &submission, &recipients, now_millis).await);
        match added.await {
            Ok(number) => Cow::Owned(DeliveryEnvelope {
                submission: Some(SubmissionId {
                    tenant: account.tenant,
                    account: account.id,
                    number,
                }),
                ..envelope.clone()
            }),
            Err(error) => {
                tracing::warn!(event = "delivery_trail_not_begun", id = %envelope.id, %error);
                Cow::Borrowed(envelope)
            }
        }
    }

    /// Notes how a mail ended whose trail was begun here; what nobody has had leaves none.
    pub(crate) async fn end_trail(&self, envelope: &DeliveryEnvelope, ended: Ended<'_>) {
        let (Some(_), Some(of)) = (&envelope.submitter, envelope.submission) else {
            return;
        };
        if let Err(error) = self.try_end_trail(envelope, of, ended).await {
            tracing::warn!(event = "delivery_trail_not_ended", id = %envelope.id, %error);
        }
    }

    async fn try_end_trail(
        &self,
        envelope: &DeliveryEnvelope,
        of: SubmissionId,
        ended: Ended<'_>,
    ) -> hongyan_kv::Result<()> {
        let database = &self.0.parts.database;
        let submissions = Submissions::of(of.tenant, of.account);
        let is_gone = ended.entries.is_empty() && !ended.outcomes.iter().any(Outcome::is_accepted);
        let mailbox = MailboxId {
            tenant: of.tenant,
            account: of.account,
        };
        let thread = match ended.kept {
            Some(email) => read_email(database, mailbox, email).await?.map(|email| email.thread),
            None => None,
        };
        let told = envelope.recipients.iter().zip(ended.outcomes);
        let told: Vec<_> = told
            .filter_map(|(recipient, outcome)| {
                let (delivered, reply) = outcome.told()?;
                Some((recipient.address.to_string(), delivered, reply))
            })
            .collect();
        let entries: Vec<_> = ended
            .entries
            .iter()
            .map(|entry| (entry.queue.shard, entry.number))
            .collect();
        let noted = database.run(async |transaction| {
            if is_gone {
                submissions.remove(transaction, of.number).await?;
                return Ok(());
            }
            let Some(mut submission) = submissions.get(transaction, of.number).await? else {
                return Ok(());
            };
            submission.progress = Progress::Sent;
            submission.entries.clone_from(&entries);
            submission.email = ended.kept.map_or(0, |email| email.0);
            submission.thread = thread.map_or(0, |thread| thread.0);
            submissions.set(transaction, of.number, &submission).await?;
            submissions.note(transaction, of.number, &told).await
        });
        noted.await
    }
}
