//! Email/parse (RFC 8621 §4.9): a blob read as an email, such as one that is attached to another.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use hongyan_blob::BlobError;
use hongyan_jmap::object::{EmailFacts, EmailParse, EmailProperties, EmailView, PartPath, Sources};
use hongyan_jmap::{Id, MethodError};
use hongyan_mailbox::search::Source;
use hongyan_message::{Part, header};

use super::get::{Prepared, prepare_bytes};
use crate::blob::open;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids::BlobId;
use crate::parsed::Parsed;

/// A mail in memory.
pub(crate) struct Held(pub(crate) Bytes);

impl Source for Held {
    type Error = BlobError;
    async fn read(&mut self, offset: u64, length: usize) -> Result<Bytes, BlobError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(length).min(self.0.len());
        Ok(self.0.slice(start..end))
    }
}

/// Parts of a part: their paths go on where its own ends.
struct Inner<'p> {
    blob: &'p BlobId,
    prepared: &'p Prepared,
}

impl Sources for Inner<'_> {
    fn blob_id(&self, path: &PartPath) -> String {
        let before = self.blob.part.clone().unwrap_or_default();
        let blob = BlobId {
            whole: self.blob.whole,
            part: Some(PartPath([before.0, path.0.clone()].concat())),
        };
        blob.to_id().to_string()
    }
    fn header(&self, part: &Part) -> &[u8] {
        self.prepared.sources.header(part)
    }
}

pub(crate) async fn parse(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: EmailParse = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.blob_ids.len() as u64 > call.jmap.settings.core.get_objects_max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let get = arguments.get();
    let properties = EmailProperties::of_blob(&get)?;
    let (mut mails, mut not_parsable, mut not_found) = (Vec::new(), Vec::new(), Vec::new());
    for id in &arguments.blob_ids {
        let Some((blob, bytes)) = read(call, id).await? else {
            not_found.push(id.clone());
            continue;
        };
        match bytes.filter(|bytes| is_mail(bytes)) {
            Some(bytes) => {
                let structure = hongyan_message::parse(&bytes);
                let max = call.jmap.settings.body_value_octets_max;
                let mut held = Held(bytes);
                let prepared = prepare_bytes(&mut held, structure, blob.whole, &get, &properties, max).await?;
                mails.push((id, blob, prepared));
            }
            None => not_parsable.push(id.clone()),
        }
    }
    let inner: Vec<(&Id, Inner<'_>)> = mails
        .iter()
        .map(|(id, blob, prepared)| (*id, Inner { blob, prepared }))
        .collect();
    let parsed: BTreeMap<Id, EmailView<'_>> = inner
        .iter()
        .map(|(id, inner)| {
            let structure = &inner.prepared.structure;
            let email = EmailFacts {
                id: None,
                blob_id: (*id).clone(),
                thread_id: None,
                mailbox_ids: Vec::new(),
                keywords: Vec::new(),
                size: structure.octets,
                received_at: None,
                structure,
                body_values: inner.prepared.body_values.clone(),
                sources: inner,
            };
            let properties = &properties;
            ((*id).clone(), EmailView { email, properties })
        })
        .collect();
    let parsed = Parsed {
        parsed,
        not_parsable,
        not_found,
    };
    parsed.answer(call)
}

/// The octets of a blob; none of one that is too large to be read so.
pub(crate) async fn read(call: &Call<'_>, id: &Id) -> Outcome<Option<(BlobId, Option<Bytes>)>> {
    let Some(blob) = BlobId::read(id.as_str()) else {
        return Ok(None);
    };
    let Some(mut stretch) = open(call.jmap, call.account, &blob).await? else {
        return Ok(None);
    };
    let max = call.jmap.settings.created_octets_max;
    let mut bytes = BytesMut::new();
    while let Some(piece) = stretch.next().await? {
        if (bytes.len() + piece.len()) as u64 > max {
            return Ok(Some((blob, None)));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some((blob, Some(bytes.freeze()))))
}

/// Whether it begins with a header field.
pub(crate) fn is_mail(bytes: &[u8]) -> bool {
    let first = header::fields(bytes).next();
    first.is_some_and(|field| {
        !field.name.is_empty() && field.name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':')
    })
}
