//! Email/get (RFC 8621 §4.2).

use std::collections::BTreeMap;

use bytes::Bytes;
use hongyan_blob::BlobError;
use hongyan_jmap::method::GetReply;
use hongyan_jmap::object::{
    BodyValue, EmailFacts, EmailGet, EmailProperties, EmailProperty, EmailView, PartPath, Sources,
};
use hongyan_jmap::{MethodError, UtcDate};
use hongyan_mailbox::search::Source;
use hongyan_mailbox::{Email, EmailId, read_emails};
use hongyan_message::{Part, Structure};

use super::{body_values, keywords};
use crate::call::Call;
use crate::error::Outcome;
use crate::ids::{self, BlobId, BlobSource};
use crate::snapshot::Snapshot;

/// Records read together.
const RECORDS: usize = 64;
/// Of a longer header section, the beginning is looked at.
const HEADER_OCTETS_MAX: u64 = 1024 * 1024;

pub(crate) async fn get(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailGet = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let properties = EmailProperties::read(&arguments)?;
    let snapshot = call.jmap.snapshot(call.account).await?;
    let mut not_found = Vec::new();
    let max = usize::try_from(call.jmap.settings.core.get_objects_max).unwrap_or(usize::MAX);
    let emails: Vec<EmailId> = match &arguments.ids {
        None => snapshot.emails().take(max + 1).collect(),
        Some(ids) if ids.len() > max => return Err(MethodError::too_large("maxObjectsInGet").into()),
        Some(ids) => {
            let mut emails = Vec::with_capacity(ids.len());
            for id in ids {
                match ids::read_email(id).filter(|email| !snapshot.places(*email).is_empty()) {
                    Some(email) => emails.push(email),
                    None => not_found.push(id.clone()),
                }
            }
            emails
        }
    };
    if emails.len() > max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let prepared = prepare(call, &arguments, &properties, &emails).await?;
    let mut list = Vec::with_capacity(prepared.len());
    for (email, prepared) in emails.iter().zip(&prepared) {
        match facts(&snapshot, *email, prepared) {
            Some(email) => list.push(EmailView {
                email,
                properties: &properties,
            }),
            None => not_found.push(ids::email(*email)),
        }
    }
    let reply = GetReply {
        account_id: &call.account.id,
        state: call.account.state(snapshot.modseq),
        list,
        not_found,
    };
    call.answer(&reply)
}

/// What was read of an email beside its places.
pub(super) struct Prepared {
    pub(super) structure: Structure,
    pub(super) sources: MailSources,
    pub(super) body_values: BTreeMap<String, BodyValue>,
    /// Its record went with it since the snapshot.
    is_gone: bool,
}

/// Blob ids and header sections of one mail.
pub(super) struct MailSources {
    whole: BlobSource,
    /// By offset.
    headers: BTreeMap<u64, Bytes>,
}

impl Sources for MailSources {
    fn blob_id(&self, path: &PartPath) -> String {
        let blob = BlobId {
            whole: self.whole,
            part: Some(path.clone()),
        };
        blob.to_id().to_string()
    }
    fn header(&self, part: &Part) -> &[u8] {
        self.headers.get(&part.header_offset).map_or(&[], |header| header)
    }
}

async fn prepare(
    call: &Call<'_>,
    arguments: &EmailGet,
    properties: &EmailProperties,
    emails: &[EmailId],
) -> Outcome<Vec<Prepared>> {
    let needs_records = properties.email.iter().any(EmailProperty::needs_record);
    let mut prepared = Vec::with_capacity(emails.len());
    if !needs_records {
        prepared.extend(emails.iter().map(|email| Prepared {
            structure: Structure::default(),
            sources: MailSources {
                whole: BlobSource::Email(*email),
                headers: BTreeMap::new(),
            },
            body_values: BTreeMap::new(),
            is_gone: false,
        }));
        return Ok(prepared);
    }
    for some in emails.chunks(RECORDS) {
        let records = read_emails(&call.jmap.services.database, call.account.mailbox, some).await?;
        for (email, record) in some.iter().zip(records) {
            prepared.push(prepare_one(call, arguments, properties, *email, record).await?);
        }
    }
    Ok(prepared)
}

async fn prepare_one(
    call: &Call<'_>,
    arguments: &EmailGet,
    properties: &EmailProperties,
    email: EmailId,
    record: Option<Email>,
) -> Outcome<Prepared> {
    let whole = BlobSource::Email(email);
    let Some(record) = record else {
        return Ok(Prepared {
            structure: Structure::default(),
            sources: MailSources {
                whole,
                headers: BTreeMap::new(),
            },
            body_values: BTreeMap::new(),
            is_gone: true,
        });
    };
    if !needs_bytes(arguments, properties) {
        return Ok(Prepared {
            structure: record.structure,
            sources: MailSources {
                whole,
                headers: BTreeMap::new(),
            },
            body_values: BTreeMap::new(),
            is_gone: false,
        });
    }
    let tenant = call.account.mailbox.tenant.0;
    let mut reader = call.jmap.services.blobs.open_blob(tenant, &record.blob).await?;
    let max = call.jmap.settings.body_value_octets_max;
    prepare_bytes(&mut reader, record.structure, whole, arguments, properties, max).await
}

fn wants_values(arguments: &EmailGet, properties: &EmailProperties) -> bool {
    body_values::are_wanted(arguments) && properties.email.has(&EmailProperty::BodyValues)
}

fn needs_bytes(arguments: &EmailGet, properties: &EmailProperties) -> bool {
    wants_values(arguments, properties) || properties.needs_header() || properties.needs_part_headers()
}

/// What is asked for of a mail whose bytes are at hand.
pub(super) async fn prepare_bytes<S: Source<Error = BlobError>>(
    reader: &mut S,
    structure: Structure,
    whole: BlobSource,
    arguments: &EmailGet,
    properties: &EmailProperties,
    value_octets_max: usize,
) -> Outcome<Prepared> {
    let headers = read_headers(reader, &structure, properties).await?;
    let body_values = if wants_values(arguments, properties) {
        body_values::read(reader, &structure, arguments, value_octets_max).await?
    } else {
        BTreeMap::new()
    };
    Ok(Prepared {
        structure,
        sources: MailSources { whole, headers },
        body_values,
        is_gone: false,
    })
}

/// The header sections that are asked for.
async fn read_headers<S: Source<Error = BlobError>>(
    reader: &mut S,
    structure: &Structure,
    properties: &EmailProperties,
) -> Outcome<BTreeMap<u64, Bytes>> {
    let mut wanted: Vec<&Part> = Vec::new();
    if properties.needs_part_headers() {
        structure.root.walk(&mut |part| wanted.push(part));
    } else if properties.needs_header() {
        wanted.push(&structure.root);
    }
    let mut headers = BTreeMap::new();
    for part in wanted {
        let length = usize::try_from(part.header_octets.min(HEADER_OCTETS_MAX)).unwrap_or(0);
        headers.insert(part.header_offset, reader.read(part.header_offset, length).await?);
    }
    Ok(headers)
}

fn facts<'p>(snapshot: &Snapshot, email: EmailId, prepared: &'p Prepared) -> Option<EmailFacts<'p>> {
    let found = snapshot.find(email).filter(|_| !prepared.is_gone)?;
    let mut mailbox_ids: Vec<_> = found.places.iter().map(|place| ids::folder(place.folder)).collect();
    mailbox_ids.dedup();
    Some(EmailFacts {
        id: Some(ids::email(email)),
        blob_id: BlobId::from(BlobSource::Email(email)).to_id(),
        thread_id: Some(ids::thread(found.thread())),
        mailbox_ids,
        keywords: keywords::of(snapshot, &found),
        size: found.first.octets.0,
        received_at: Some(UtcDate(found.received())),
        structure: &prepared.structure,
        body_values: prepared.body_values.clone(),
        sources: &prepared.sources,
    })
}
