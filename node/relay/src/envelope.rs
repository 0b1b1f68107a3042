//! A queue entry as an SMTP envelope.

use hongyan_queue::{BodyKind, Entry, Recipient, RecipientState, ReturnContent};
use hongyan_smtp::{Body, ForwardPath, Mail, Mailbox, Notify, OriginalRecipient, Rcpt, Return, client};

/// The envelope for the pending recipients of `entry` that have indices in `chosen`; `None` when an address cannot be
/// said in SMTP.
pub(crate) fn envelope(entry: &Entry, chosen: &[usize]) -> Option<client::Envelope> {
    let reverse_path = match &entry.sender {
        Some(sender) => Some(Mailbox::parse(sender)?),
        None => None,
    };
    let mail = Mail {
        reverse_path,
        size: Some(entry.octets),
        body: match entry.body {
            BodyKind::SevenBit => Body::SevenBit,
            BodyKind::EightBit => Body::EightBit,
            BodyKind::Binary => Body::Binary,
        },
        smtputf8: entry.smtputf8,
        ret: entry.return_content.map(|content| match content {
            ReturnContent::Full => Return::Full,
            ReturnContent::Headers => Return::Headers,
        }),
        envid: entry.envelope_id.clone(),
        auth: None,
        hold: None,
    };
    let recipients = chosen.iter().filter_map(|index| entry.recipients.get(*index)).map(rcpt);
    Some(client::Envelope {
        mail,
        recipients: recipients.collect::<Option<_>>()?,
    })
}

/// Indices of the recipients still to be delivered.
pub(crate) fn pending(entry: &Entry) -> Vec<usize> {
    let states = entry.recipients.iter().enumerate();
    states
        .filter(|(_, recipient)| recipient.state == RecipientState::Pending)
        .map(|(index, _)| index)
        .collect()
}

fn rcpt(recipient: &Recipient) -> Option<Rcpt> {
    let notify = recipient.notify;
    let orcpt = recipient
        .original
        .as_ref()
        .and_then(|original| original.split_once(';'));
    Some(Rcpt {
        path: ForwardPath::Mailbox(Mailbox::parse(&recipient.address)?),
        notify: recipient.notify_asked.then_some(Notify {
            success: notify.success,
            failure: notify.failure,
            delay: notify.delay,
        }),
        orcpt: orcpt.map(|(kind, address)| OriginalRecipient {
            address_type: kind.to_owned(),
            address: address.to_owned(),
        }),
    })
}
