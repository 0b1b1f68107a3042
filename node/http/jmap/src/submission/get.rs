//! EmailSubmission/get and /changes (RFC 8621 §7.1, §7.2).

use std::collections::BTreeMap;

use hongyan_jmap::method::{Changes as Arguments, Get};
use hongyan_jmap::object::{DeliveryStatus, EmailSubmission, Envelope, EnvelopeAddress, UndoStatus};
use hongyan_jmap::{Id, MethodError, UtcDate};
use hongyan_kv::Transaction;
use hongyan_mailbox::{EmailId, ThreadId};
use hongyan_trail::{Delivered, Progress, Recipient, Submission, Submissions};
use hongyan_types::Timestamp;

use crate::call::Call;
use crate::error::Outcome;
use crate::identity::{read_of, senders};
use crate::ids::{self, BlobId, BlobSource};
use crate::ledgers::{answer_changes, answer_get, changes_max, read_state};

/// A submission that is handed over for longer than that has lost its node: nobody knows what became of it.
const SENDING_MILLIS_MAX: i64 = 5 * 60 * 1_000;

pub(super) fn of(call: &Call<'_>) -> Submissions {
    Submissions::of(call.account.mailbox.tenant, call.account.mailbox.account)
}

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Get = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let max = usize::try_from(call.jmap.settings.core.get_objects_max).unwrap_or(usize::MAX);
    let submissions = of(call);
    let mut transaction = call.jmap.services.database.begin();
    let state = submissions.state(&mut transaction).await?;
    let found: Vec<(u64, Submission)> = match &arguments.ids {
        None => submissions.all(&mut transaction).await?,
        Some(ids) => {
            let mut found = Vec::new();
            for number in ids.iter().take(max).filter_map(|id| ids::read_numbered('S', id)) {
                let submission = submissions.get(&mut transaction, number).await?;
                found.extend(submission.map(|submission| (number, submission)));
            }
            found
        }
    };
    let found = with_identities(call, found).await?;
    if found.len() > max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let mut shown: Vec<(Id, EmailSubmission)> = Vec::with_capacity(found.len());
    for (number, submission) in found {
        let recipients = submissions.recipients(&mut transaction, number).await?;
        let submission = show(number, submission, recipients, call);
        shown.push((submission.id.clone(), submission));
    }
    answer_get(call, arguments, state.to_string(), shown)
}

/// Submissions with their identities: for those of mail clients, the one with the sender's address.
pub(super) async fn with_identities(
    call: &Call<'_>,
    mut found: Vec<(u64, Submission)>,
) -> Outcome<Vec<(u64, Submission)>> {
    if found.iter().all(|(_, submission)| submission.identity != 0) {
        return Ok(found);
    }
    let (_, identities) = read_of(call, &senders(call).await?).await?;
    for (_, submission) in found.iter_mut().filter(|(_, submission)| submission.identity == 0) {
        let of = |address: &str| {
            let mut known = identities.iter();
            known.find(|(_, identity)| identity.email.eq_ignore_ascii_case(address))
        };
        let named = submission.from.as_deref().and_then(of);
        let identity = named.or_else(|| of(&submission.mail_from)).or(identities.first());
        submission.identity = identity.map_or(0, |(number, _)| *number);
    }
    Ok(found)
}

/// How far it is at this moment.
pub(super) fn undo_status(submission: &Submission, now_millis: i64) -> UndoStatus {
    match submission.progress {
        Progress::Canceled => UndoStatus::Canceled,
        _ if submission.is_scheduled && now_millis < submission.send_at_millis => UndoStatus::Pending,
        _ => UndoStatus::Final,
    }
}

fn show(number: u64, submission: Submission, recipients: Vec<Recipient>, call: &Call<'_>) -> EmailSubmission {
    let now_millis = call.jmap.services.env.wall_millis();
    // MODE-3.
    let is_told = !submission.is_scheduled || call.jmap.settings.scheduled_full_tracking;
    let mails = |mails: &Option<Vec<u64>>| -> Vec<Id> {
        let mails = mails.iter().flatten().filter(|_| is_told);
        mails
            .map(|mail| BlobId::from(BlobSource::Email(EmailId(*mail))).to_id())
            .collect()
    };
    let (dsn_blob_ids, mdn_blob_ids) = (mails(&submission.reports), mails(&submission.receipts));
    let is_lost = submission.progress == Progress::Sending
        && now_millis.saturating_sub(submission.send_at_millis) > SENDING_MILLIS_MAX;
    let address = |email: String, parameters: hongyan_trail::Parameters| EnvelopeAddress {
        email,
        parameters: (!parameters.is_empty()).then(|| parameters.into_iter().collect()),
    };
    let undo_status = undo_status(&submission, now_millis);
    // MEM-15: why it has not left.
    let is_held = recipients.iter().any(Recipient::is_held);
    let status = |recipient: &Recipient| DeliveryStatus {
        smtp_reply: recipient.reply.clone(),
        delivered: match recipient.delivered {
            Delivered::Queued if is_lost => "unknown",
            Delivered::Queued => "queued",
            Delivered::Yes => "yes",
            Delivered::No => "no",
            Delivered::Unknown => "unknown",
        },
        displayed: if recipient.displayed { "yes" } else { "unknown" },
    };
    let delivery_status: BTreeMap<String, DeliveryStatus> = recipients
        .iter()
        .map(|recipient| (recipient.address.clone(), status(recipient)))
        .collect();
    let rcpt_to = recipients.into_iter();
    EmailSubmission {
        id: ids::numbered('S', number),
        identity_id: ids::numbered('I', submission.identity),
        email_id: ids::email(EmailId(submission.email)),
        thread_id: ids::thread(ThreadId(submission.thread)),
        envelope: Envelope {
            mail_from: address(submission.mail_from, submission.parameters),
            rcpt_to: rcpt_to
                .map(|recipient| address(recipient.address, recipient.parameters))
                .collect(),
        },
        send_at: UtcDate(Timestamp {
            millis: submission.send_at_millis,
        }),
        undo_status,
        delivery_status: (is_told || is_held).then_some(delivery_status),
        dsn_blob_ids,
        mdn_blob_ids,
    }
}

pub(crate) async fn changes(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: Arguments = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let max = changes_max(call, arguments.max_changes)?;
    let since = read_state(&arguments.since_state)?;
    let mut transaction: Transaction = call.jmap.services.database.begin();
    let changes = of(call).changes(&mut transaction, since, max).await?;
    answer_changes(call, arguments, changes, |number| ids::numbered('S', number))
}
