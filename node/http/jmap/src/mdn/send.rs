//! MDN/send (RFC 9007 §2.1): a receipt goes to whom the mail names, once.

use std::collections::BTreeMap;

use bytes::Bytes;
use hongyan_delivery::{DeliveryEnvelope, DeliveryId, SentCopy, trace};
use hongyan_directory::Sending;
use hongyan_jmap::method::Set;
use hongyan_jmap::object::{MdnSend, NewMdn, SentMdn};
use hongyan_jmap::{Id, IdOrCreation, MethodError, MethodErrorType, RawValue, SetError, SetErrorType};
use hongyan_mailbox::{Email, EmailId, FlagAction, StoreFlags, UpdateEmail, read_email};
use hongyan_message::{address, header};
use hongyan_types::{Address, Flag, Keyword, Timestamp, UidSet};
use serde::Serialize;

use super::compose::{Around, compose};
use crate::call::Call;
use crate::email::{change, set_as, unchanged};
use crate::error::{Failure, Outcome};
use crate::identity::{Senders, read_of, senders};
use crate::ids;
use crate::refused::{Changed, Refused};
use crate::snapshot::Snapshot;
use crate::submission::{CheckedRecipient, deliver, nobody, resolve};

/// RFC 3503: a mail that has it has had its receipt, or shall have none.
const SENT: &str = "$mdnsent";
/// Of a longer header, the beginning is looked at.
const HEADER_OCTETS_MAX: u64 = 1024 * 1024;
/// Addresses that one mail's receipt goes to.
const RECIPIENTS_MAX: usize = 10;
/// How often a mail is marked that others change at the same time.
const CLAIMS_MAX: usize = 8;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    account_id: &'a Id,
    sent: Option<BTreeMap<Id, SentMdn>>,
    not_sent: Option<BTreeMap<Id, SetError>>,
}

pub(crate) async fn send(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: MdnSend = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.send.len() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    if !call.account.person.settings.submission || call.account.sending == Sending::No {
        return Err(MethodErrorType::Forbidden.into());
    }
    let senders = senders(call).await?;
    let (_, identities) = read_of(call, &senders).await?;
    let number = arguments.identity_id.resolve(call.created);
    let number = number.and_then(|id| ids::read_numbered('I', id));
    let identity = identities.into_iter().find(|(known, _)| Some(*known) == number);
    let (_, identity) = identity.ok_or_else(|| MethodError::arguments("no such identity"))?;
    let from = Address::try_from(identity.email.as_str());
    let from = from.map_err(|error| MethodError::arguments(error.to_string()))?;
    let (mut sent, mut not_sent, mut succeeded) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (creation, text) in &arguments.send {
        let as_whom = (identity.name.as_str(), &from);
        match send_one(call, &senders, as_whom, text).await {
            Ok((email, mdn)) => {
                succeeded.insert(format!("#{creation}"), email);
                sent.insert(creation.clone(), mdn);
            }
            Err(Refused::Set(error)) => drop(not_sent.insert(creation.clone(), *error)),
            Err(Refused::Failed(failure)) if sent.is_empty() => return Err(failure),
            Err(Refused::Failed(failure)) => {
                let error = SetError::with(SetErrorType::Forbidden, failure.told().to_string());
                not_sent.insert(creation.clone(), error);
            }
        }
    }
    let account_id = call.account.id.clone();
    call.answer(&Reply {
        account_id: &account_id,
        sent: Some(sent).filter(|sent| !sent.is_empty()),
        not_sent: Some(not_sent).filter(|not_sent| !not_sent.is_empty()),
    })?;
    let update = arguments.on_success_update_email.into_iter().flatten();
    let update: BTreeMap<_, _> = update
        .filter_map(|(id, patch)| Some((IdOrCreation::Id(ids::email(*succeeded.get(&id.to_string())?)), patch)))
        .collect();
    if update.is_empty() {
        return Ok(());
    }
    let set = Set {
        account_id,
        if_in_state: None,
        create: None,
        update: Some(update),
        destroy: None,
        on_destroy_remove_emails: false,
    };
    set_as(call, "Email/set", set).await
}

async fn send_one(
    call: &Call<'_>,
    senders: &Senders<'_>,
    (name, from): (&str, &Address),
    text: &RawValue,
) -> Changed<(EmailId, SentMdn)> {
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let new: NewMdn = serde_json::from_str(text.get()).map_err(wrong)?;
    let mut receipt = new.receipt()?;
    let missing = || SetError::from(SetErrorType::NotFound);
    let id = new.for_email_id.resolve(call.created).and_then(ids::read_email);
    let id = id.ok_or_else(missing)?;
    let database = &call.jmap.services.database;
    let email = read_email(database, call.account.mailbox, id)
        .await
        .map_err(Failure::from)?;
    let email = email.ok_or_else(missing)?;
    let original = original_header(call, &email).await?;
    let to = asked_by(&original).ok_or_else(missing)?;
    if let Some(named) = &receipt.final_recipient {
        let address = named
            .split_once(';')
            .map_or(named.as_str(), |(_, address)| address)
            .trim();
        if !senders.has(address) {
            return Err(SetError::properties(["finalRecipient"], "an address that you may not send as").into());
        }
    }
    let mut mdn = SentMdn::default();
    if receipt.final_recipient.is_none() {
        let kind = if from.is_internationalized() { "utf-8" } else { "rfc822" };
        mdn.final_recipient = Some(format!("{kind};{from}"));
        receipt.final_recipient.clone_from(&mdn.final_recipient);
    }
    receipt.original_recipient = header::find(&original, "Original-Recipient").map(|field| field.text());
    let own = email.structure.envelope.message_id.as_deref();
    receipt.original_message_id = own.and_then(hongyan_message::message_id::first);
    mdn.original_recipient.clone_from(&receipt.original_recipient);
    mdn.original_message_id = receipt.original_message_id.as_ref().map(|id| format!("<{id}>"));
    let included = match new.include_original_message {
        true => Some(whole(call, &email).await?),
        false => None,
    };
    let around = Around {
        from: (name, from),
        to: &to,
        subject: new.subject.as_deref(),
        text: new.text_body.as_deref(),
        original: &email.structure,
        included: included.as_deref(),
        language: language(call).await?,
        now: now(call),
    };
    let message_id = DeliveryId::random(&call.jmap.services.env);
    let (subject, mail) = compose(&around, &receipt, &message_id.to_string());
    mdn.subject = new.subject.is_none().then_some(subject);
    // Marked before it leaves: what fails in between is a receipt that is missing, never one that comes twice.
    claim(call, id).await?;
    change(call, id, |snapshot| Ok(mark(snapshot, id, true))).await?;
    if let Err(refused) = hand_over(call, message_id, &to, mail).await {
        change(call, id, |snapshot| Ok(mark(snapshot, id, false))).await?;
        return Err(refused);
    }
    Ok((id, mdn))
}

fn sent() -> Keyword {
    Keyword::try_from(SENT).expect("a keyword")
}

/// Marks the mail in one of its places if nothing has happened to it since it was seen without the mark: of two requests at
/// the same time, one gets through.
async fn claim(call: &Call<'_>, email: EmailId) -> Changed<()> {
    let keyword = sent();
    for _ in 0..CLAIMS_MAX {
        let snapshot = call.jmap.snapshot(call.account).await?;
        let has = |place: &crate::snapshot::Placed| {
            let id = snapshot.view(place.folder)?.keywords().id(&keyword)?;
            Some(snapshot.entry(place)?.keywords.ids().contains(&id))
        };
        let places = snapshot.places(email);
        if places.iter().any(|place| has(place) == Some(true)) {
            return Err(SetErrorType::MdnAlreadySent.into());
        }
        let place = places.first().ok_or(SetErrorType::NotFound)?;
        let entry = snapshot.entry(place).ok_or(SetErrorType::NotFound)?;
        let request = StoreFlags {
            folder: place.folder,
            uids: UidSet::from_range(place.uid, place.uid),
            action: FlagAction::Add,
            flags: vec![Flag::Keyword(keyword.clone())],
            unchanged_since: Some(entry.modseq),
        };
        let stored = call.ask(request).await?;
        if stored.map_err(Failure::from)?.modified.is_empty() {
            return Ok(());
        }
    }
    Err(Refused::Failed(MethodErrorType::ServerUnavailable.into()))
}

fn mark(snapshot: &Snapshot, email: EmailId, is_sent: bool) -> UpdateEmail {
    let flags = vec![Flag::Keyword(sent())];
    let request = unchanged(snapshot, email);
    match is_sent {
        true => UpdateEmail { add: flags, ..request },
        false => UpdateEmail {
            remove: flags,
            ..request
        },
    }
}

fn now(call: &Call<'_>) -> Timestamp {
    Timestamp {
        millis: call.jmap.services.env.wall_millis(),
    }
}

async fn language(call: &Call<'_>) -> Changed<hongyan_directory::Language> {
    let language = call.jmap.services.directory.language_of(&call.account.person).await;
    language.map_err(|error| {
        tracing::warn!(event = "jmap_directory_failed", %error);
        Refused::Failed(MethodErrorType::ServerUnavailable.into())
    })
}

async fn original_header(call: &Call<'_>, email: &Email) -> Changed<Bytes> {
    let tenant = call.account.mailbox.tenant.0;
    let mut reader = call.jmap.services.blobs.open_blob(tenant, &email.blob).await?;
    let octets = email.structure.root.header_octets.min(HEADER_OCTETS_MAX);
    Ok(reader.read(0, usize::try_from(octets).unwrap_or(0)).await?)
}

/// The whole mail, if it is not too large to be sent along.
async fn whole(call: &Call<'_>, email: &Email) -> Changed<Vec<u8>> {
    let max = call.jmap.settings.created_octets_max;
    if email.octets.0 > max {
        return Err(SetError::too_large(max).into());
    }
    let tenant = call.account.mailbox.tenant.0;
    let mut reader = call.jmap.services.blobs.open_blob(tenant, &email.blob).await?;
    let mut octets = Vec::new();
    while let Some(piece) = reader.next_chunk().await? {
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

/// Whom a mail asks to tell (RFC 8098 §2.1).
fn asked_by(header: &[u8]) -> Option<Vec<Address>> {
    let field = header::find(header, "Disposition-Notification-To")?;
    let text = header::unfold(field.value);
    let items = address::parse_list_bounded(&text, RECIPIENTS_MAX);
    let addresses: Vec<Address> = items.iter().filter_map(address::AddressItem::to_address).collect();
    (!addresses.is_empty()).then_some(addresses)
}

/// RFC 8098 §3: from nobody, so that nothing comes back.
async fn hand_over(call: &Call<'_>, id: DeliveryId, to: &[Address], mail: Vec<u8>) -> Changed<()> {
    let wanted: Vec<CheckedRecipient> = to
        .iter()
        .map(|address| CheckedRecipient {
            address: address.clone(),
            notify: None,
            original: None,
        })
        .collect();
    let recipients = resolve(call, None, &wanted).await?;
    let delivery = &call.jmap.services.delivery;
    let tenant = call.account.mailbox.tenant;
    let now = now(call);
    let marks = delivery.loop_marks(&recipients, &mail).await.map_err(Failure::from)?;
    let trace = trace::submitted(None, delivery.host_name(), &id.to_string(), now);
    let failed = |error: hongyan_delivery::SinkError| {
        tracing::warn!(event = "jmap_receipt_failed", %error);
        Refused::Failed(MethodErrorType::ServerUnavailable.into())
    };
    let mut sink = delivery.sink(&recipients, Some(tenant));
    for piece in [trace.as_bytes(), marks.header.as_bytes(), &mail] {
        sink.push(piece).await.map_err(failed)?;
    }
    let envelope = DeliveryEnvelope {
        id,
        sender: None,
        tenant: Some(tenant),
        submitter: None,
        smtputf8: to.iter().any(Address::is_internationalized),
        binary: false,
        ret: None,
        envid: None,
        arrived: now,
        recipients: recipients.clone(),
        sent_copy: SentCopy::AsSet,
        submission: None,
    };
    let outcomes = deliver(call, envelope, sink).await?;
    if outcomes.iter().any(hongyan_delivery::Outcome::is_accepted) {
        Ok(())
    } else {
        Err(nobody(&recipients, &outcomes))
    }
}
