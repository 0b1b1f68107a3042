//! ItemOperations: mails and attachments as a whole, and folders that are emptied ([MS-ASCMD] §2.2.1.10).

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_activesync::page::{air_sync, air_sync_base, item_operations as page};
use hongyan_activesync::{Element, Status, wbxml};
use hongyan_jmap::object::PartPath;
use hongyan_mailbox::{Expunge, read_email};
use hongyan_message::TransferDecoder;

use crate::answer::{Found, body};
use crate::asking::{Asking, read_folder};
use crate::mail::{application_data, read_stretch};
use crate::record::WishesRecord;
use crate::sync::read_bodies;
use crate::sync_changes::read_message;

/// [MS-ASCMD] §2.2.3.177.8.
const SUCCESS: u8 = 1;
const PROTOCOL_ERROR: u8 = 2;
const NOT_FOUND: u8 = 6;
const TOO_LARGE: u8 = 11;
const ACCESS_DENIED: u8 = 16;
const NO_ATTACHMENT: u8 = 15;

/// Octets beside the body, where the device takes them so ([MS-ASHTTP] §2.2.2.1.2).
struct Parts {
    is_taken: bool,
    octets: Vec<Vec<u8>>,
}

pub(crate) async fn item_operations(asking: &Asking<'_>, tree: &Element, takes_parts: bool) -> Found<Response> {
    if tree.tag != page::ITEM_OPERATIONS {
        return Err(Status::InvalidContent.into());
    }
    let mut parts = Parts {
        is_taken: takes_parts || asking.line.accept_multi_part,
        octets: Vec::new(),
    };
    let mut responses = Element::new(page::RESPONSE);
    for (count, wanted) in tree.elements().enumerate() {
        if count >= asking.service.settings.commands_max {
            return Err(Status::InvalidContent.into());
        }
        let response = match wanted.tag {
            tag if tag == page::FETCH => fetch(asking, wanted, &mut parts).await?,
            tag if tag == page::EMPTY_FOLDER_CONTENTS => empty_folder(asking, wanted).await?,
            tag => Element::new(tag).number(page::STATUS, PROTOCOL_ERROR),
        };
        responses = responses.with(response);
    }
    let answer = Element::new(page::ITEM_OPERATIONS)
        .number(page::STATUS, SUCCESS)
        .with(responses);
    if !parts.is_taken {
        return Ok(body(&answer));
    }
    parts.octets.insert(0, wbxml::encode(&answer));
    let kind = HeaderValue::from_static("application/vnd.ms-sync.multipart");
    Ok(([(header::CONTENT_TYPE, kind)], multipart(&parts.octets)).into_response())
}

/// The number of parts, where each begins and how long it is, then the parts ([MS-ASHTTP] §2.2.2.1.2.1).
fn multipart(parts: &[Vec<u8>]) -> Vec<u8> {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = number(parts.len()).to_vec();
    let mut at = 4 + parts.len() * 8;
    for part in parts {
        out.extend_from_slice(&number(at));
        out.extend_from_slice(&number(part.len()));
        at += part.len();
    }
    out.extend(parts.iter().flatten());
    out
}

async fn fetch(asking: &Asking<'_>, wanted: &Element, parts: &mut Parts) -> Found<Element> {
    let response = |status: u8| Element::new(page::FETCH).number(page::STATUS, status);
    if let Some(reference) = wanted.text_of(air_sync_base::FILE_REFERENCE) {
        let name = |element: Element| element.text(air_sync_base::FILE_REFERENCE, reference);
        return Ok(match attachment(asking, reference).await? {
            Err(status) => name(response(status)),
            Ok((kind, octets)) => {
                let properties = Element::new(page::PROPERTIES).text(air_sync_base::CONTENT_TYPE, kind);
                let properties = if parts.is_taken {
                    parts.octets.push(octets);
                    properties.text(page::PART, parts.octets.len().to_string())
                } else {
                    properties.text(page::DATA, STANDARD.encode(octets))
                };
                name(response(SUCCESS)).with(properties)
            }
        });
    }
    let folder = wanted.text_of(air_sync::COLLECTION_ID).unwrap_or_default();
    let item = wanted.text_of(air_sync::SERVER_ID).unwrap_or_default();
    let named = |element: Element| {
        let element = element.text(air_sync::COLLECTION_ID, folder);
        element.text(air_sync::SERVER_ID, item).text(air_sync::CLASS, "Email")
    };
    let Some(id) = read_folder(folder) else {
        return Ok(named(response(NOT_FOUND)));
    };
    let Some(opened) = asking.open(id).await? else {
        return Ok(named(response(NOT_FOUND)));
    };
    let view = opened.view;
    let entry = read_message(&view, item).and_then(|uid| view.get(uid));
    let options = wanted.child(page::OPTIONS);
    let wishes = WishesRecord {
        mime: options
            .and_then(|options| options.text_of(air_sync::MIME_SUPPORT)?.trim().parse().ok())
            .unwrap_or(0),
        bodies: options.map(read_bodies).unwrap_or_default(),
        ..WishesRecord::default()
    };
    let data = match entry {
        Some(entry) => application_data(asking, &view, entry, &wishes).await?,
        None => None,
    };
    Ok(match data {
        None => named(response(NOT_FOUND)),
        Some((data, _)) => {
            let properties = Element {
                tag: page::PROPERTIES,
                content: data.content,
            };
            named(response(SUCCESS)).with(properties)
        }
    })
}

/// An attachment decoded, with its type; what is answered instead, if it is not to be had.
async fn attachment(asking: &Asking<'_>, reference: &str) -> Found<Result<(String, Vec<u8>), u8>> {
    let mut names = reference.splitn(3, ':');
    let (folder, uid, path) = (names.next(), names.next(), names.next());
    let (Some(folder), Some(uid), Some(path)) = (folder, uid, path.and_then(|path| PartPath::parse(path, '.'))) else {
        return Ok(Err(NO_ATTACHMENT));
    };
    let Some(id) = read_folder(folder) else {
        return Ok(Err(NO_ATTACHMENT));
    };
    let Some(opened) = asking.open(id).await? else {
        return Ok(Err(NO_ATTACHMENT));
    };
    let view = opened.view;
    let entry = read_message(&view, &format!("{folder}:{uid}")).and_then(|uid| view.get(uid));
    let Some(entry) = entry else {
        return Ok(Err(NO_ATTACHMENT));
    };
    let services = &asking.service.services;
    let Some(mail) = read_email(&services.database, asking.mailbox, entry.email).await? else {
        return Ok(Err(NO_ATTACHMENT));
    };
    let Some(part) = mail.structure.section(&path.0) else {
        return Ok(Err(NO_ATTACHMENT));
    };
    let length = usize::try_from(part.body_octets).unwrap_or(usize::MAX);
    if length > asking.service.settings.body_octets_max {
        return Ok(Err(TOO_LARGE));
    }
    let mut reader = services.blobs.open_blob(asking.mailbox.tenant.0, &mail.blob).await?;
    let raw = read_stretch(&mut reader, part.body_offset(), length).await?;
    let mut decoder = TransferDecoder::new(&part.encoding);
    let mut octets = Vec::with_capacity(raw.len());
    decoder.push(&raw, &mut octets);
    decoder.finish(&mut octets);
    Ok(Ok((format!("{}/{}", part.media.kind, part.media.subtype), octets)))
}

async fn empty_folder(asking: &Asking<'_>, wanted: &Element) -> Found<Element> {
    let folder = wanted.text_of(air_sync::COLLECTION_ID).unwrap_or_default();
    let response = |status: u8| {
        let response = Element::new(page::EMPTY_FOLDER_CONTENTS).number(page::STATUS, status);
        response.text(air_sync::COLLECTION_ID, folder)
    };
    if asking.read_only {
        return Ok(response(ACCESS_DENIED));
    }
    let Some(id) = read_folder(folder) else {
        return Ok(response(NOT_FOUND));
    };
    if asking.open(id).await?.is_none() {
        return Ok(response(NOT_FOUND));
    }
    let request = Expunge {
        folder: id,
        uids: None,
        deleted_only: false,
    };
    asking.ask(request).await?;
    Ok(response(SUCCESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_where_the_head_says() {
        let whole = multipart(&[b"ab".to_vec(), b"cde".to_vec()]);
        assert_eq!(
            whole,
            [
                &[2, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 22, 0, 0, 0, 3, 0, 0, 0][..],
                b"abcde"
            ]
            .concat()
        );
    }
}
