//! New submissions: the mail as it leaves, its envelope, and the record that follows it.

use bytes::Bytes;
use hongyan_blob::BlobError;
use hongyan_delivery::submission::{Additions, SubmissionError, mend};
use hongyan_delivery::trace;
use hongyan_delivery::{
    Answer, DeliveryEnvelope, DeliveryId, DeliveryRecipient, MessageSink, Outcome, SentCopy, Target,
};
use hongyan_directory::{Limit, Poster, Resolution, SenderRights};
use hongyan_jmap::object::{EnvelopeAddress, NewEmailSubmission, UndoStatus};
use hongyan_jmap::{Id, MethodError, MethodErrorType, RawValue, SetError, SetErrorType, UtcDate};
use hongyan_mailbox::{Email, EmailId, read_email};
use hongyan_message::{header, message_id, words};
use hongyan_trail::{Delivered, Progress, Recipient, SUBJECT_CHARACTERS_MAX, Submission, SubmissionId, Submissions};
use hongyan_types::{Address, Timestamp};
use serde::Serialize;

use super::envelope::{Bounds, Checked, CheckedRecipient, check, of_mail};
use crate::call::Call;
use crate::error::{Failure, Outcome as Found};
use crate::identity::{read_of, senders};
use crate::ids;
use crate::ledgers::Attempts;
use crate::refused::{Changed, Refused};

/// Octets read at a time.
const STEP_OCTETS: usize = 64 * 1024;
/// A longer header is not sent.
const HEADER_OCTETS_MAX: u64 = 1024 * 1024;
/// How often a mail is handed over before what cannot be taken counts as refused.
const TRIES: usize = 3;

/// What the server set of a new submission.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    pub(super) id: Id,
    thread_id: Id,
    send_at: UtcDate,
    undo_status: UndoStatus,
}

/// A mail about to be sent.
pub(super) struct Leaving<'c> {
    pub(super) call: &'c Call<'c>,
    rights: SenderRights,
    pub(super) id: DeliveryId,
    email: Email,
    checked: Checked,
    pub(super) recipients: Vec<DeliveryRecipient>,
    pub(super) now: Timestamp,
    /// Whether each recipient gets a copy of their own.
    is_separate: bool,
}

/// Sends the mail that a client describes.
pub(super) async fn create(call: &Call<'_>, text: &RawValue) -> Changed<(Created, EmailId)> {
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: NewEmailSubmission = serde_json::from_str(text.get()).map_err(wrong)?;
    if !call.account.person.settings.submission {
        return Err(SetErrorType::ForbiddenToSend.into());
    }
    let senders = senders(call).await?;
    let (_, identities) = read_of(call, &senders).await?;
    let number = new.identity_id.resolve(call.created);
    let number = number.and_then(|id| ids::read_numbered('I', id));
    let identity = identities.into_iter().find(|(known, _)| Some(*known) == number);
    let (identity_number, identity) =
        identity.ok_or_else(|| SetError::properties(["identityId"], "no such identity"))?;
    let stopped = call.jmap.restrictions(&call.account.person).await?;
    if stopped.sending {
        let words = "the operator has stopped your sending";
        return Err(SetError::with(SetErrorType::ForbiddenToSend, words).into());
    }
    let (email_id, email) = mail(call, &new).await?;
    let settings = &call.jmap.settings;
    let now = Timestamp {
        millis: call.jmap.services.env.wall_millis(),
    };
    let recipients = call
        .jmap
        .limit(&call.account.person, Limit::RecipientsPerMessageMax)
        .await?;
    let octets = call.jmap.limit(&call.account.person, Limit::MessageOctetsMax).await?;
    if let Some(text) = octets.excess(email.octets.0) {
        return Err(SetError::with(SetErrorType::TooLarge, text).into());
    }
    let bounds = Bounds {
        recipients_max: settings.recipients_max.min(recipients.value()),
        now_millis: now.millis,
        delay_millis_max: i64::try_from(settings.delayed_send_max.as_millis()).unwrap_or(i64::MAX),
    };
    let envelope = new
        .envelope
        .unwrap_or_else(|| of_mail(&email.structure, &identity.email, &senders));
    let checked = check(&envelope, &senders, bounds)?;
    let recipients = resolve(call, checked.sender.as_ref(), &checked.recipients).await?;
    let leaves = |target: &Target| match target {
        Target::Remote => true,
        Target::Group(group) => !group.remote.is_empty(),
        _ => false,
    };
    if stopped.sending_outside && recipients.iter().any(|recipient| leaves(&recipient.target)) {
        let words = "the operator has stopped your sending to other systems";
        return Err(SetError::with(SetErrorType::ForbiddenToSend, words).into());
    }
    let thread = email.thread;
    let submission = Submission {
        email: email_id.0,
        thread: thread.0,
        identity: identity_number,
        mail_from: envelope.mail_from.email.clone(),
        parameters: parameters(&envelope.mail_from),
        send_at_millis: checked.not_before_millis.unwrap_or(now.millis),
        is_scheduled: checked.not_before_millis.is_some(),
        progress: Progress::Sending,
        entries: Vec::new(),
        message_id: None,
        from: None,
        reports: None,
        receipts: None,
        subject: None,
    };
    let (send_at, is_scheduled) = (submission.send_at_millis, submission.is_scheduled);
    let leaving = Leaving {
        call,
        rights: senders.rights,
        id: DeliveryId::random(&call.jmap.services.env),
        email,
        checked,
        recipients,
        now,
        is_separate: new.separately,
    };
    let number = leaving.send(submission, &envelope.rcpt_to).await?;
    let created = Created {
        id: ids::numbered('S', number),
        thread_id: ids::thread(thread),
        send_at: UtcDate(Timestamp { millis: send_at }),
        undo_status: if is_scheduled {
            UndoStatus::Pending
        } else {
            UndoStatus::Final
        },
    };
    Ok((created, email_id))
}

fn parameters(address: &EnvelopeAddress) -> hongyan_trail::Parameters {
    let given = address.parameters.clone().unwrap_or_default();
    given.into_iter().collect()
}

async fn mail(call: &Call<'_>, new: &NewEmailSubmission) -> Changed<(EmailId, Email)> {
    let missing = || SetError::properties(["emailId"], "no such email");
    let id = new.email_id.resolve(call.created).ok_or_else(missing)?;
    let id = ids::read_email(id).ok_or_else(missing)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    if snapshot.places(id).is_empty() {
        return Err(missing().into());
    }
    let database = &call.jmap.services.database;
    let email = read_email(database, call.account.mailbox, id)
        .await
        .map_err(Failure::from)?;
    Ok((id, email.ok_or_else(missing)?))
}

/// Where each recipient's address leads. Addresses of ours that lead nowhere are told before anything is sent.
pub(crate) async fn resolve(
    call: &Call<'_>,
    sender: Option<&Address>,
    wanted: &[CheckedRecipient],
) -> Changed<Vec<DeliveryRecipient>> {
    let directory = &call.jmap.services.directory;
    let poster = Poster {
        account: Some(&call.account.person),
        sender,
    };
    let mut recipients = Vec::with_capacity(wanted.len());
    let mut nowhere = Vec::new();
    for recipient in wanted {
        let resolution = directory.resolve(&recipient.address).await;
        let resolution = resolution.map_err(|error| {
            tracing::warn!(event = "jmap_directory_failed", %error);
            Refused::Failed(MethodErrorType::ServerUnavailable.into())
        })?;
        let target = match resolution {
            Resolution::Account(target) => Target::Account(target),
            Resolution::Group(group) if group.takes_from(poster) => Target::Group(group),
            Resolution::NotLocal if !recipient.address.domain.is_literal() => Target::Remote,
            Resolution::NotLocal
            | Resolution::NoSuchUser
            | Resolution::Suspended
            | Resolution::Group(_)
            | Resolution::GroupEmpty(_)
            | Resolution::GroupTooLarge(_) => {
                nowhere.push(recipient.address.to_string());
                continue;
            }
        };
        recipients.push(DeliveryRecipient {
            address: recipient.address.clone(),
            target,
            original: recipient.original.clone(),
            notify: recipient.notify,
        });
    }
    if nowhere.is_empty() {
        Ok(recipients)
    } else {
        Err(SetError::invalid_recipients(nowhere).into())
    }
}

impl Leaving<'_> {
    /// Writes the record, hands the mail over, and notes what became of it. What a node that dies in between leaves
    /// behind is a record that says so, never a mail sent twice.
    async fn send(&self, mut submission: Submission, asked: &[EnvelopeAddress]) -> Changed<u64> {
        let account = self.call.account.mailbox;
        let submissions = Submissions::of(account.tenant, account.account);
        let header = self.header().await?;
        let field = |name| header::find(&header, name);
        submission.message_id = field("Message-ID").and_then(|id| message_id::first(&id.text()));
        submission.from = field("From").and_then(|from| author(&from.text()));
        let subject = field("Subject").map(|subject| subject.text()).unwrap_or_default();
        let subject = words::decode(&subject).chars().take(SUBJECT_CHARACTERS_MAX).collect();
        submission.subject = Some(subject);
        let recipients = self.trail(asked);
        let database = &self.call.jmap.services.database;
        let mut attempts = Attempts::default();
        let number = loop {
            let mut transaction = database.begin();
            let added = submissions.add(&mut transaction, &submission, &recipients, self.now.millis);
            let number = added.await.map_err(Failure::from)?;
            if !attempts.again(transaction.commit().await)? {
                break number;
            }
        };
        let handed = self.hand_over(&header, number).await;
        let (outcomes, entries) = match handed {
            Ok(handed) => handed,
            Err(refused) => {
                // Nothing left: there is nothing to follow.
                let mut transaction = database.begin();
                let removed = submissions.remove(&mut transaction, number).await;
                if removed.is_err() || transaction.commit().await.is_err() {
                    tracing::warn!(event = "jmap_submission_left", number, id = %self.id);
                }
                return Err(refused);
            }
        };
        submission.progress = Progress::Sent;
        submission.entries = entries;
        let mut attempts = Attempts::default();
        loop {
            let mut transaction = database.begin();
            let set = submissions.set(&mut transaction, number, &submission).await;
            set.map_err(Failure::from)?;
            let noted = submissions.note(&mut transaction, number, &outcomes).await;
            noted.map_err(Failure::from)?;
            if !attempts.again(transaction.commit().await)? {
                return Ok(number);
            }
        }
    }

    fn trail(&self, asked: &[EnvelopeAddress]) -> Vec<Recipient> {
        let recipients = self.checked.recipients.iter().zip(0..);
        recipients
            .map(|(recipient, index)| {
                let address = recipient.address.to_string();
                let given = asked.iter().find(|given| given.email.eq_ignore_ascii_case(&address));
                Recipient {
                    parameters: given.map(parameters).unwrap_or_default(),
                    ..Recipient::queued(index, address)
                }
            })
            .collect()
    }

    /// The header as it leaves, with trace and marks.
    async fn header(&self) -> Changed<Vec<u8>> {
        let root = &self.email.structure.root;
        if root.header_octets > HEADER_OCTETS_MAX {
            return Err(SetErrorType::InvalidEmail.into());
        }
        let services = &self.call.jmap.services;
        let tenant = self.call.account.mailbox.tenant.0;
        let mut reader = services.blobs.open_blob(tenant, &self.email.blob).await?;
        let length = usize::try_from(root.header_octets).unwrap_or(0);
        let original = reader.read(0, length).await?;
        let end = original
            .strip_suffix(b"\r\n\r\n")
            .map_or(original.len(), |rest| rest.len() + 2);
        let account = &self.call.account;
        let sender = self.checked.sender.as_ref().unwrap_or(&account.record.address);
        let additions = Additions {
            date: trace::date(self.now).to_string(),
            message_id: format!("<{}@{}>", self.id, sender.domain),
            sender,
            account: &account.person.address,
        };
        let mended = mend(&original[..end], &additions, |address| self.rights.sending(address));
        let mended = mended.map_err(|error| match error {
            SubmissionError::ForeignFrom => SetError::with(SetErrorType::ForbiddenFrom, error.to_string()),
            SubmissionError::TwoFroms => SetError::with(SetErrorType::InvalidEmail, error.to_string()),
        })?;
        let marks = services.delivery.loop_marks(&self.recipients, &mended).await;
        let marks = marks.map_err(Failure::from)?;
        let trace = trace::submitted(
            self.checked.sender.as_ref(),
            services.delivery.host_name(),
            &self.id.to_string(),
            self.now,
        );
        Ok([trace.as_bytes(), marks.header.as_bytes(), &mended].concat())
    }

    pub(super) fn envelope(&self, submission: u64) -> DeliveryEnvelope {
        let account = self.call.account.mailbox;
        DeliveryEnvelope {
            id: self.id,
            sender: self.checked.sender.clone(),
            tenant: Some(account.tenant),
            // RFC 8621 §7.5.1: the client itself says what becomes of the draft.
            submitter: None,
            smtputf8: self.checked.smtputf8,
            binary: false,
            ret: self.checked.ret,
            envid: self.checked.envid.clone(),
            arrived: self.now,
            recipients: self.recipients.clone(),
            sent_copy: SentCopy::AsSet,
            submission: Some(SubmissionId {
                tenant: account.tenant,
                account: account.account,
                number: submission,
            }),
        }
    }

    /// Fills a sink with the mail.
    pub(super) async fn fill(&self, mut sink: MessageSink, header: &[u8]) -> Changed<MessageSink> {
        let failed = |error: hongyan_delivery::SinkError| {
            tracing::warn!(event = "jmap_submission_failed", %error);
            Refused::Failed(MethodErrorType::ServerUnavailable.into())
        };
        sink.push(header).await.map_err(failed)?;
        let tenant = self.call.account.mailbox.tenant.0;
        let blobs = &self.call.jmap.services.blobs;
        let mut reader = blobs.open_blob(tenant, &self.email.blob).await?;
        let root = &self.email.structure.root;
        let mut at = root.body_offset();
        sink.push(b"\r\n").await.map_err(failed)?;
        while at < reader.octets() {
            let piece: Bytes = reader.read(at, STEP_OCTETS).await?;
            if piece.is_empty() {
                return Err(BlobError::Corrupt("piece length").into());
            }
            at += piece.len() as u64;
            sink.push(&piece).await.map_err(failed)?;
        }
        Ok(sink)
    }

    /// Hands the mail over: what is known of recipients that do not wait, and where those wait that can be called back.
    async fn hand_over(&self, header: &[u8], number: u64) -> Changed<(Outcomes, Vec<(u16, u64)>)> {
        let delivery = &self.call.jmap.services.delivery;
        let envelope = self.envelope(number);
        if let (Some(not_before), true) = (self.checked.not_before_millis, self.is_separate) {
            let entries = self.schedule_separately(header, number, not_before).await?;
            return Ok((Vec::new(), entries));
        }
        if let Some(not_before) = self.checked.not_before_millis {
            let sink = self.fill(delivery.sink(&[], envelope.tenant), header).await?;
            let kept = delivery.schedule(&envelope, sink, not_before, self.id).await;
            let kept = kept.map_err(|_| Refused::Failed(MethodErrorType::ServerUnavailable.into()))?;
            let entries = kept.map_err(|refusal| unavailable(refusal.text.into_owned()))?;
            let entries = entries.into_iter().map(|entry| (entry.queue.shard, entry.number));
            return Ok((Vec::new(), entries.collect()));
        }
        let mut outcomes = Vec::new();
        let tries = if self.is_separate { 0 } else { TRIES };
        if self.is_separate {
            outcomes = self.deliver_separately(header, number).await?;
        }
        for _ in 0..tries {
            let sink = self
                .fill(delivery.sink(&self.recipients, envelope.tenant), header)
                .await?;
            outcomes = deliver(self.call, envelope.clone(), sink).await?;
            if !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Deferred(_))) {
                break;
            }
        }
        if !outcomes.iter().any(Outcome::is_accepted) {
            return Err(nobody(&self.recipients, &outcomes));
        }
        let noted = self.recipients.iter().zip(&outcomes);
        let noted = noted.filter_map(|(recipient, outcome)| {
            let (delivered, reply) = outcome.told()?;
            Some((recipient.address.to_string(), delivered, reply))
        });
        Ok((noted.collect(), Vec::new()))
    }
}

type Outcomes = Vec<(String, Delivered, String)>;

/// Delivery stays on its arbiter; requests may move.
pub(crate) async fn deliver(call: &Call<'_>, envelope: DeliveryEnvelope, sink: MessageSink) -> Found<Vec<Outcome>> {
    let delivery = call.jmap.services.delivery.clone();
    let task = tokio::task::spawn_local(async move { delivery.deliver(&envelope, sink, Answer::Whole).await });
    match task.await {
        Ok(Ok(outcomes)) => Ok(outcomes),
        Ok(Err(error)) => {
            tracing::warn!(event = "jmap_submission_failed", %error);
            Err(MethodErrorType::ServerUnavailable.into())
        }
        Err(_) => Err(MethodErrorType::ServerFail.into()),
    }
}

/// The address of an author, in lower case.
fn author(from: &str) -> Option<String> {
    let items = hongyan_message::address::parse_list(from);
    let address = items.iter().find_map(hongyan_message::AddressItem::to_address)?;
    Some(address.to_string().to_lowercase())
}

pub(super) fn unavailable(words: String) -> Refused {
    Refused::Failed(MethodError::with(MethodErrorType::ServerUnavailable, words).into())
}

/// Nobody has had the mail.
pub(crate) fn nobody(recipients: &[DeliveryRecipient], outcomes: &[Outcome]) -> Refused {
    let deferred = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Deferred(refusal) => Some(refusal.text.clone().into_owned()),
        _ => None,
    });
    match deferred {
        Some(words) => unavailable(words),
        None => {
            let addresses = recipients.iter().map(|recipient| recipient.address.to_string());
            SetError::invalid_recipients(addresses.collect()).into()
        }
    }
}
