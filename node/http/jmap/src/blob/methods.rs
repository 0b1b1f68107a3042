//! Blob/upload, Blob/get and Blob/lookup (RFC 9404), Blob/copy (RFC 8620 §6.3).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_jmap::object::{BlobGet, BlobInfo, BlobLookup, BlobUpload, DataSourceObject, UploadObject, UploadedBlob};
use hongyan_jmap::{Id, MethodError, RawValue, SetError, SetErrorType};
use ring::digest;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::stretch::{Stretch, open};
use super::upload::keep;
use crate::call::Call;
use crate::error::Outcome;
use crate::ids::{self, BlobId, BlobSource};
use crate::refused::{Changed, Refused};

/// Digests that [`get`] gives, by name.
const DIGESTS: [(&str, &digest::Algorithm); 3] = [
    ("digest:sha", &digest::SHA1_FOR_LEGACY_USE_ONLY),
    ("digest:sha-256", &digest::SHA256),
    ("digest:sha-512", &digest::SHA512),
];

/// What Blob/upload and Blob/copy answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a, K: Ord + Serialize, T: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from_account_id: Option<&'a Id>,
    account_id: &'a Id,
    #[serde(rename = "created", skip_serializing_if = "Option::is_none")]
    created: Option<BTreeMap<K, T>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_created: Option<BTreeMap<K, SetError>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copied: Option<BTreeMap<K, Id>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_copied: Option<BTreeMap<K, SetError>>,
}

fn some<K: Ord, V>(map: BTreeMap<K, V>) -> Option<BTreeMap<K, V>> {
    Some(map).filter(|map| !map.is_empty())
}

pub(crate) async fn upload_objects(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: BlobUpload = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.create.len() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    let (mut created, mut not_created) = (BTreeMap::new(), BTreeMap::new());
    let mut waiting = arguments.create;
    // One may be a piece of another, in whatever order they come.
    loop {
        let before = waiting.len();
        for (creation, text) in std::mem::take(&mut waiting) {
            match upload_object(call, &text).await {
                Ok(blob) => {
                    not_created.remove(&creation);
                    call.created.insert(creation.clone(), blob.id.clone());
                    created.insert(creation, blob);
                }
                Err(Refused::Set(error)) => {
                    if error.kind == SetErrorType::BlobNotFound {
                        waiting.insert(creation.clone(), text);
                    }
                    not_created.insert(creation, *error);
                }
                Err(Refused::Failed(failure)) => return Err(failure),
            }
        }
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    let account_id = call.account.id.clone();
    call.answer(&Made {
        from_account_id: None,
        account_id: &account_id,
        created: Some(created),
        not_created: some(not_created),
        copied: None,
        not_copied: None,
    })
}

async fn upload_object(call: &Call<'_>, text: &RawValue) -> Changed<UploadedBlob> {
    let wrong = |error: serde_json::Error| SetError::with(SetErrorType::InvalidProperties, error.to_string());
    let object: UploadObject = serde_json::from_str(text.get()).map_err(wrong)?;
    let settings = &call.jmap.settings;
    if object.data.len() > settings.blob_sources_max {
        let words = format!("a blob has at most {} pieces", settings.blob_sources_max);
        return Err(SetError::properties(["data"], words).into());
    }
    let octets_max = call.jmap.upload_limit(&call.account.record).await?.value();
    let mut writer = call.jmap.services.blobs.writer(call.account.mailbox.tenant.0);
    let too_large = || Refused::from(SetError::too_large(octets_max));
    for source in &object.data {
        match source_of(source)? {
            Source::Octets(octets) => {
                if writer.octets().saturating_add(octets.len() as u64) > octets_max {
                    return Err(too_large());
                }
                writer.push(&octets).await?;
            }
            Source::Blob(id) => {
                let mut stretch = piece(call, source, id).await?;
                while let Some(octets) = stretch.next().await? {
                    if writer.octets().saturating_add(octets.len() as u64) > octets_max {
                        return Err(too_large());
                    }
                    writer.push(&octets).await?;
                }
            }
        }
    }
    let blob = keep(call.jmap, call.account.mailbox, writer).await?;
    Ok(UploadedBlob {
        id: BlobId::from(BlobSource::Upload(blob.address())).to_id(),
        kind: object.kind,
        size: blob.octets(),
    })
}

enum Source<'a> {
    Octets(Vec<u8>),
    Blob(&'a str),
}

fn source_of(source: &DataSourceObject) -> Result<Source<'_>, SetError> {
    let wrong = |words: &'static str| SetError::properties(["data"], words);
    match (&source.text, &source.base64, &source.blob_id) {
        (Some(text), None, None) => Ok(Source::Octets(text.as_bytes().to_vec())),
        (None, Some(text), None) => {
            let octets = STANDARD
                .decode(text)
                .map_err(|_| wrong("data:asBase64 is not base64"))?;
            Ok(Source::Octets(octets))
        }
        (None, None, Some(id)) => Ok(Source::Blob(id)),
        _ => Err(wrong("a piece is one of data:asText, data:asBase64 and blobId")),
    }
}

/// The stretch of another blob that a piece is.
async fn piece(call: &Call<'_>, source: &DataSourceObject, id: &str) -> Changed<Cut> {
    let missing = || SetError::blob_not_found(id);
    let known = id.strip_prefix('#').and_then(|creation| call.created.get(creation));
    let id = known.map_or(id, Id::as_str);
    let blob = BlobId::read(id).ok_or_else(missing)?;
    let stretch = open(call.jmap, call.account, &blob).await?.ok_or_else(missing)?;
    let offset = source.offset.unwrap_or(0);
    let length = source.length.unwrap_or(stretch.octets.saturating_sub(offset));
    // RFC 9404 §4.1: what is not all there is not put into another.
    if offset.saturating_add(length) > stretch.octets {
        return Err(SetError::properties(["data"], "the blob ends before the stretch does").into());
    }
    Ok(Cut::new(stretch, offset, length))
}

/// Some octets of a stretch.
struct Cut {
    stretch: Stretch,
    skip: u64,
    left: u64,
}

impl Cut {
    fn new(stretch: Stretch, offset: u64, length: u64) -> Self {
        Self {
            stretch,
            skip: offset,
            left: length,
        }
    }
    async fn next(&mut self) -> Result<Option<bytes::Bytes>, hongyan_blob::BlobError> {
        while self.left > 0 {
            let Some(mut octets) = self.stretch.next().await? else {
                return Ok(None);
            };
            let skipped = usize::try_from(self.skip).map_or(octets.len(), |skip| skip.min(octets.len()));
            self.skip -= skipped as u64;
            let _ = octets.split_to(skipped);
            octets.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= octets.len() as u64;
            if !octets.is_empty() {
                return Ok(Some(octets));
            }
        }
        Ok(None)
    }
}

/// A blob as a client asked for it.
struct Shown {
    id: Id,
    values: Vec<(&'static str, Value)>,
    flags: Vec<&'static str>,
}

enum Value {
    Text(String),
    Nothing,
    Number(u64),
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        for (name, value) in &self.values {
            match value {
                Value::Text(text) => map.serialize_entry(name, text),
                Value::Nothing => map.serialize_entry(name, &()),
                Value::Number(number) => map.serialize_entry(name, number),
            }?;
        }
        for flag in &self.flags {
            map.serialize_entry(flag, &true)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GotBlobs<'a> {
    account_id: &'a Id,
    list: Vec<Shown>,
    not_found: Vec<Id>,
}

pub(crate) async fn get_blobs(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: BlobGet = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.ids.len() as u64 > call.jmap.settings.core.get_objects_max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    let usual = ["data".to_owned(), "size".to_owned()];
    let names = arguments.properties.as_deref().unwrap_or(&usual);
    let is_known = |name: &str| {
        matches!(name, "id" | "data" | "data:asText" | "data:asBase64" | "size")
            || DIGESTS.iter().any(|(digest, _)| *digest == name)
    };
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        return Err(MethodError::arguments(format!("no property {name}")).into());
    }
    let account_id = call.account.id.clone();
    let mut reply = GotBlobs {
        account_id: &account_id,
        list: Vec::new(),
        not_found: Vec::new(),
    };
    let mut octets_left = call.jmap.settings.response_octets_max as u64 / 2;
    for id in &arguments.ids {
        let opened = match BlobId::read(id.as_str()) {
            Some(blob) => open(call.jmap, call.account, &blob).await?,
            None => None,
        };
        match opened {
            Some(stretch) => reply
                .list
                .push(show(stretch, id, names, &arguments, &mut octets_left).await?),
            None => reply.not_found.push(id.clone()),
        }
    }
    call.answer(&reply)
}

async fn show(
    stretch: Stretch,
    id: &Id,
    names: &[String],
    arguments: &BlobGet,
    octets_left: &mut u64,
) -> Outcome<Shown> {
    let size = stretch.octets;
    let offset = arguments.offset.unwrap_or(0);
    let wanted = arguments.length.unwrap_or(size.saturating_sub(offset));
    let needs_octets = names.iter().any(|name| name != "size" && name != "id");
    let has = |name: &str| names.iter().any(|other| other == name);
    let wants_data = has("data") || has("data:asText") || has("data:asBase64");
    let mut shown = Shown {
        id: id.clone(),
        values: Vec::new(),
        flags: Vec::new(),
    };
    let mut octets = Vec::new();
    let wanted_digests = DIGESTS.iter().filter(|(name, _)| has(name));
    let mut digests: Vec<_> = wanted_digests
        .map(|(name, algorithm)| (*name, digest::Context::new(algorithm)))
        .collect();
    if needs_octets {
        let mut cut = Cut::new(stretch, offset, wanted);
        while let Some(piece) = cut.next().await? {
            digests.iter_mut().for_each(|(_, digest)| digest.update(&piece));
            if wants_data {
                *octets_left = octets_left
                    .checked_sub(piece.len() as u64)
                    .ok_or_else(|| MethodError::too_large("maxSizeResponse"))?;
                octets.extend_from_slice(&piece);
            }
        }
    }
    // RFC 9404 §4.2: the client is told when the stretch goes beyond the end.
    if offset.saturating_add(wanted) > size {
        shown.flags.push("isTruncated");
    }
    let text = std::str::from_utf8(&octets).ok();
    if text.is_none() && (has("data") || has("data:asText")) {
        shown.flags.push("isEncodingProblem");
    }
    if has("data:asText") || (has("data") && text.is_some()) {
        let value = text.map_or(Value::Nothing, |text| Value::Text(text.to_owned()));
        shown.values.push(("data:asText", value));
    }
    if has("data:asBase64") || (has("data") && text.is_none()) {
        shown
            .values
            .push(("data:asBase64", Value::Text(STANDARD.encode(&octets))));
    }
    for (name, digest) in digests {
        let digest = STANDARD.encode(digest.finish());
        shown.values.push((name, Value::Text(digest)));
    }
    if has("size") {
        shown.values.push(("size", Value::Number(size)));
    }
    Ok(shown)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LookedUp<'a> {
    account_id: &'a Id,
    list: Vec<BlobInfo>,
    not_found: Vec<Id>,
}

pub(crate) async fn lookup(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: BlobLookup = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    if arguments.ids.len() as u64 > call.jmap.settings.core.get_objects_max {
        return Err(MethodError::too_large("maxObjectsInGet").into());
    }
    if let Some(name) = arguments
        .type_names
        .iter()
        .find(|name| !["Email", "Mailbox", "Thread"].contains(&name.as_str()))
    {
        let kind = hongyan_jmap::MethodErrorType::UnknownDataType;
        return Err(MethodError::with(kind, format!("no kind of record {name}")).into());
    }
    let snapshot = call.jmap.snapshot(call.account).await?;
    let account_id = call.account.id.clone();
    let mut reply = LookedUp {
        account_id: &account_id,
        list: Vec::new(),
        not_found: Vec::new(),
    };
    for id in arguments.ids {
        let blob = BlobId::read(id.as_str());
        let found = match &blob {
            Some(blob) => open(call.jmap, call.account, blob).await?.is_some(),
            None => false,
        };
        let Some(blob) = blob.filter(|_| found) else {
            reply.not_found.push(id);
            continue;
        };
        let email = match blob.whole {
            BlobSource::Email(email) => snapshot.find(email).map(|found| (email, found)),
            BlobSource::Upload(_) => None,
        };
        let matched = arguments.type_names.iter().map(|name| {
            let ids = match (&email, name.as_str()) {
                (Some((email, _)), "Email") => vec![ids::email(*email)],
                (Some((_, found)), "Thread") => vec![ids::thread(found.thread())],
                (Some((_, found)), "Mailbox") => {
                    let mut folders: Vec<Id> = found.places.iter().map(|place| ids::folder(place.folder)).collect();
                    folders.dedup();
                    folders
                }
                _ => Vec::new(),
            };
            (name.clone(), ids)
        });
        let matched_ids = matched.collect();
        reply.list.push(BlobInfo { id, matched_ids });
    }
    call.answer(&reply)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BlobCopy {
    from_account_id: Id,
    account_id: Id,
    blob_ids: Vec<Id>,
}

pub(crate) async fn copy(call: &mut Call<'_>) -> Outcome<()> {
    let arguments: BlobCopy = call.arguments()?;
    call.account.check(&arguments.account_id)?;
    let from = call.other_account(&arguments.from_account_id)?.clone();
    if arguments.blob_ids.len() as u64 > call.jmap.settings.core.set_objects_max {
        return Err(MethodError::too_large("maxObjectsInSet").into());
    }
    let (mut copied, mut not_copied) = (BTreeMap::new(), BTreeMap::new());
    for id in arguments.blob_ids {
        let opened = match BlobId::read(id.as_str()) {
            Some(blob) => open(call.jmap, &from, &blob).await?,
            None => None,
        };
        let Some(mut stretch) = opened else {
            let missing = SetError::blob_not_found(id.as_str());
            not_copied.insert(id, missing);
            continue;
        };
        let mut writer = call.jmap.services.blobs.writer(call.account.mailbox.tenant.0);
        while let Some(octets) = stretch.next().await? {
            writer.push(&octets).await?;
        }
        let blob = keep(call.jmap, call.account.mailbox, writer).await?;
        copied.insert(id, BlobId::from(BlobSource::Upload(blob.address())).to_id());
    }
    let account_id = call.account.id.clone();
    call.answer(&Made::<Id, ()> {
        from_account_id: Some(&arguments.from_account_id),
        account_id: &account_id,
        created: None,
        not_created: None,
        copied: some(copied),
        not_copied: some(not_copied),
    })
}
