//! MDN/parse (RFC 9007 §2.2).

use std::collections::BTreeMap;

use hongyan_jmap::MethodError;
use hongyan_jmap::object::{Mdn, MdnParse};
use hongyan_mailbox::{EmailId, read_conversation, read_emails};
use hongyan_message::{Part, Receipt, Structure, TransferDecoder, message_id, words};

use crate::call::Call;
use crate::email::{Held, is_mail, read, value};
use crate::error::Outcome;
use crate::ids;
use crate::parsed::Parsed;

/// Octets of what is told to programs that are looked at.
const RECEIPT_OCTETS_MAX: usize = 64 * 1024;
/// Mails of one conversation among which the one is looked for.
const CONVERSATION_MAX: usize = 256;

pub(crate) async fn parse(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: MdnParse = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.blob_ids.len() as u64 > call.jmap.settings.core.get_objects_max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let (mut parsed, mut not_parsable, mut not_found) = (BTreeMap::new(), Vec::new(), Vec::new());
    for id in arguments.blob_ids {
        let Some((_, bytes)) = read(call, &id).await? else {
            not_found.push(id);
            continue;
        };
        let mdn = match bytes.filter(|bytes| is_mail(bytes)) {
            Some(bytes) => mdn(call, Held(bytes)).await?,
            None => None,
        };
        match mdn {
            Some(mdn) => drop(parsed.insert(id, mdn)),
            None => not_parsable.push(id),
        }
    }
    let parsed = Parsed {
        parsed,
        not_parsable,
        not_found,
    };
    parsed.answer(call)
}

/// The receipt that a mail is, if it is one (RFC 8098 §3).
async fn mdn(call: &Call<'_>, mut mail: Held) -> Outcome<Option<Mdn>> {
    let structure = hongyan_message::parse(&mail.0);
    if !structure.root.media.is("multipart", "report") {
        return Ok(None);
    }
    let find = |kind: &str, subtype: &str| {
        structure
            .root
            .children()
            .iter()
            .find(|part| part.media.is(kind, subtype))
    };
    let Some(receipt) = find("message", "disposition-notification").and_then(|part| receipt(&mail, part)) else {
        return Ok(None);
    };
    let original_id = receipt.original_message_id.clone();
    let mut mdn = Mdn::of(receipt);
    mdn.subject = structure
        .envelope
        .subject
        .as_deref()
        .map(|subject| words::decode(subject).into_owned());
    mdn.include_original_message = find("message", "rfc822").is_some() || find("message", "global").is_some();
    if let Some(part) = find("text", "plain") {
        let octets_max = call.jmap.settings.body_value_octets_max;
        mdn.text_body = Some(value(&mut mail, part, octets_max).await?.value);
    }
    if let Some(id) = original_id {
        mdn.for_email_id = email_of(call, &id).await?.map(ids::email);
    }
    Ok(Some(mdn))
}

fn receipt(mail: &Held, part: &Part) -> Option<Receipt> {
    let start = usize::try_from(part.body_offset()).ok()?;
    let octets = usize::try_from(part.body_octets).ok()?.min(RECEIPT_OCTETS_MAX);
    let mut decoder = TransferDecoder::new(&part.encoding);
    let mut text = Vec::new();
    decoder.push(mail.0.get(start..start.checked_add(octets)?)?, &mut text);
    decoder.finish(&mut text);
    Receipt::read(&text)
}

/// The account's mail of this id.
async fn email_of(call: &Call<'_>, id: &str) -> Outcome<Option<EmailId>> {
    let (database, mailbox) = (&call.jmap.services.database, call.account.mailbox);
    let Some(thread) = read_conversation(database, mailbox, id).await? else {
        return Ok(None);
    };
    let snapshot = call.jmap.snapshot(call.account).await?;
    let mut emails: Vec<EmailId> = snapshot.thread(thread).iter().map(|threaded| threaded.1).collect();
    emails.dedup();
    emails.truncate(CONVERSATION_MAX);
    let records = read_emails(database, mailbox, &emails).await?;
    let is_it = |structure: &Structure| {
        let own = structure.envelope.message_id.as_deref().and_then(message_id::first);
        own.as_deref() == Some(id)
    };
    let mut found = emails.iter().zip(&records);
    let found = found.find(|(_, record)| record.as_ref().is_some_and(|record| is_it(&record.structure)));
    Ok(found.map(|(email, _)| *email))
}
