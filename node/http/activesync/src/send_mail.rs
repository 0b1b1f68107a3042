//! SendMail, and what the smart commands share with it: a mail leaves as submission would send it, with a copy in Sent if the device asks for one
//! ([MS-ASCMD] §2.2.1.17).
//!
//! A device that has not heard of the end of it sends the mail again under the same name: it is not sent twice (GEN-6).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::Response;
use hongyan_activesync::command::send_mail::SendMailRequest;
use hongyan_activesync::{Element, Status};
use hongyan_delivery::submission::{Additions, SubmissionError, mend};
use hongyan_delivery::{Answer, DeliveryEnvelope, DeliveryId, DeliveryRecipient, Outcome, SentCopy, Target, trace};
use hongyan_directory::{Limit, Poster, Resolution, Sending};
use hongyan_message::{AddressItem, Structure};
use hongyan_types::{Address, Timestamp};

use crate::answer::{Found, Stop, empty};
use crate::asking::Asking;
use crate::devices;

/// A longer header is not sent.
const HEADER_OCTETS_MAX: usize = 1024 * 1024;
/// How often a mail is handed over before it counts as refused for now.
const TRIES: usize = 3;

pub(crate) async fn send_mail(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = SendMailRequest::read(tree, asking.version)?;
    send(asking, &request, &with_crlf(&request.mime)).await?;
    Ok(empty())
}

/// Lines as they travel: phones write all kinds.
pub(crate) fn with_crlf(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len());
    let mut last = 0;
    for octet in mail {
        if *octet == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(*octet);
        last = *octet;
    }
    out
}

/// What tells the device's name of this mail from all others of it; and this mail from all others there are. A device that
/// begins anew may use names again: the mail itself counts too.
fn id_of(asking: &Asking<'_>, request: &SendMailRequest) -> (u64, DeliveryId) {
    let mut name = blake3::Hasher::new_derive_key("hongyan active-sync mail 1");
    name.update(&asking.account.id.0.to_be_bytes());
    for text in [asking.line.device_id.as_str(), request.client_id.as_str()] {
        name.update(text.as_bytes()).update(&[0]);
    }
    let (mut short, mut id) = ([0; 8], [0; 16]);
    name.finalize_xof().fill(&mut short);
    name.update(&request.mime).finalize_xof().fill(&mut id);
    (u64::from_be_bytes(short), DeliveryId(id))
}

fn named(structure: &Structure) -> Vec<Address> {
    let envelope = &structure.envelope;
    let items = [&envelope.to, &envelope.cc, &envelope.bcc].into_iter().flatten();
    let mut seen = BTreeSet::new();
    let addresses = items.filter_map(AddressItem::to_address);
    addresses.filter(|address| seen.insert(address.key())).collect()
}

/// Sends a mail that was made of what a device has sent, once. Sent again it has the same id, by which mailboxes and the queue
/// know it, also when this node went down before it was noted.
pub(crate) async fn send(asking: &Asking<'_>, request: &SendMailRequest, mail: &[u8]) -> Found<()> {
    let services = &asking.service.services;
    let account = &asking.account;
    if asking.read_only || !account.settings.submission {
        return Err(Status::AccessDenied.into());
    }
    let (short, id) = id_of(asking, request);
    let mut transaction = services.database.begin();
    let device = &asking.line.device_id;
    if !devices::note_sent(&mut transaction, account.id, device, short).await? {
        return Err(Status::MessagePreviouslySent.into());
    }
    // Noted once it is on its way: what fails before that can be sent again.
    drop(transaction);
    let stopped = services.directory.restrictions_of(account).await?;
    if stopped.sending {
        return Err(Status::AccessDenied.into());
    }
    let structure = hongyan_message::parse(mail);
    let recipients = named(&structure);
    if recipients.is_empty() {
        return Err(Status::MessageHasNoRecipient.into());
    }
    let limits = services.directory.limits_of(account).await?;
    let octets = u64::try_from(mail.len()).unwrap_or(u64::MAX);
    if limits.of(Limit::MessageOctetsMax).excess(octets).is_some() {
        return Err(Status::AttachmentIsTooLarge.into());
    }
    let most = limits.of(Limit::RecipientsPerMessageMax).value();
    if recipients.len() as u64 > most {
        return Err(Status::SendQuotaExceeded.into());
    }
    let rights = services.directory.sender_rights(account).await?;
    let may = |address: &Address| rights.sending(address) != Sending::No;
    let mut authors = structure.envelope.from.iter().filter_map(AddressItem::to_address);
    let sender = authors.find(may).unwrap_or_else(|| account.address.clone());
    let mut recipients = resolve(asking, &sender, recipients).await?;
    if stopped.sending_outside && recipients.iter().any(leaves) {
        return Err(Status::AccessDenied.into());
    }
    let now = Timestamp {
        millis: asking.now_millis(),
    };
    let head = usize::try_from(structure.root.header_octets).unwrap_or(usize::MAX);
    if head > HEADER_OCTETS_MAX {
        return Err(Status::InvalidMime.into());
    }
    let (header, text) = mail.split_at(head.min(mail.len()));
    let fields = header
        .strip_suffix(b"\r\n\r\n")
        .map_or(header, |fields| &header[..fields.len() + 2]);
    let additions = Additions {
        date: trace::date(now).to_string(),
        message_id: format!("<{id}@{}>", sender.domain),
        sender: &sender,
        account: &account.address,
    };
    let mended = mend(fields, &additions, |address| rights.sending(address)).map_err(|error| match error {
        SubmissionError::ForeignFrom => Status::AccessDenied,
        SubmissionError::TwoFroms => Status::InvalidMime,
    })?;
    let marks = services.delivery.loop_marks(&recipients, &mended).await?;
    for index in marks.returned {
        if let Some(recipient) = recipients.get_mut(index) {
            recipient.target = Target::Returned;
        }
    }
    let trace = trace::submitted(Some(&sender), services.delivery.host_name(), &id.to_string(), now);
    let whole = [trace.as_bytes(), marks.header.as_bytes(), &mended, b"\r\n", text].concat();
    let envelope = DeliveryEnvelope {
        id,
        smtputf8: sender.is_internationalized()
            || recipients
                .iter()
                .any(|recipient| recipient.address.is_internationalized()),
        sender: Some(sender),
        tenant: Some(account.tenant),
        submitter: Some(Arc::clone(account)),
        binary: false,
        ret: None,
        envid: None,
        arrived: now,
        recipients,
        // Phones cannot put a copy there themselves, as clients of SMTP can (ACC-13).
        sent_copy: match request.save_in_sent_items {
            true => SentCopy::Kept,
            false => SentCopy::NotKept,
        },
        submission: None,
    };
    hand_over(asking, envelope, whole).await?;
    let mut transaction = services.database.begin();
    if devices::note_sent(&mut transaction, account.id, device, short).await? {
        transaction.commit().await?;
    }
    Ok(())
}

fn leaves(recipient: &DeliveryRecipient) -> bool {
    match &recipient.target {
        Target::Remote => true,
        Target::Group(group) => !group.remote.is_empty(),
        _ => false,
    }
}

/// Where each address leads. One of ours that leads nowhere is told before anything is sent.
async fn resolve(asking: &Asking<'_>, sender: &Address, wanted: Vec<Address>) -> Found<Vec<DeliveryRecipient>> {
    let poster = Poster {
        account: Some(&asking.account),
        sender: Some(sender),
    };
    let mut recipients = Vec::with_capacity(wanted.len());
    for address in wanted {
        let target = match asking.service.services.directory.resolve(&address).await? {
            Resolution::Account(target) => Target::Account(target),
            Resolution::Group(group) if group.takes_from(poster) => Target::Group(group),
            Resolution::NotLocal if !address.domain.is_literal() => Target::Remote,
            _ => return Err(Status::MessageRecipientUnresolved.into()),
        };
        recipients.push(DeliveryRecipient {
            address,
            target,
            original: None,
            notify: None,
        });
    }
    Ok(recipients)
}

async fn hand_over(asking: &Asking<'_>, envelope: DeliveryEnvelope, mail: Vec<u8>) -> Found<()> {
    let mail = Arc::new(mail);
    for _ in 0..TRIES {
        let delivery = asking.service.services.delivery.clone();
        let (envelope, mail) = (envelope.clone(), Arc::clone(&mail));
        // Delivery stays on its arbiter; requests may move.
        let task = tokio::task::spawn_local(async move {
            let mut sink = delivery.sink(&envelope.recipients, envelope.tenant);
            sink.push(&mail).await?;
            delivery.deliver(&envelope, sink, Answer::Whole).await
        });
        let outcomes = match task.await {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(error)) => {
                tracing::warn!(event = "active_sync_submission_failed", %error);
                return Err(Status::ServerErrorRetryLater.into());
            }
            Err(_) => return Err(Status::ServerError.into()),
        };
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Deferred(_))) {
            continue;
        }
        let is_taken = outcomes.iter().any(Outcome::is_accepted);
        return if is_taken {
            Ok(())
        } else {
            Err(Stop::Status(Status::MailSubmissionFailed))
        };
    }
    Err(Status::ServerErrorRetryLater.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_travel() {
        assert_eq!(with_crlf(b"a\nb\r\nc\n"), b"a\r\nb\r\nc\r\n");
    }
}
