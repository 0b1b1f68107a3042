//! ItemOperations: mails and attachments as a whole, and folders that are emptied ([MS-ASCMD] §2.2.1.10).

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hongyan_activesync::command::item_operations::{
    AttachmentData, FetchSource, Fetched, ItemFetch, ItemOperation, ItemOperationsRequest, ItemOperationsResponse,
    ItemOutcome, ItemStatus, OctetRange, parts,
};
use hongyan_activesync::{BodyData, Element, Status, wbxml};
use hongyan_jmap::object::PartPath;
use hongyan_mailbox::{Expunge, FolderId, MailboxError, read_email};
use hongyan_message::TransferDecoder;

use crate::answer::{Found, Stop, body};
use crate::asking::{Asking, read_folder, read_folder_of};
use crate::folder_change::delete_inside;
use crate::mail::{email_data, read_stretch};
use crate::sync_changes::read_message;

/// The only store there is ([MS-ASCMD] §2.2.3.178.1).
const MAILBOX: &str = "mailbox";

/// Octets beside the body, where the device takes them so ([MS-ASHTTP] §2.2.2.1.2), and how many there may still be in all.
struct Beside {
    is_taken: bool,
    octets: Vec<Vec<u8>>,
    left: usize,
}

impl Beside {
    /// Puts octets beside the body, and says where; the body is the first part of all.
    fn push(&mut self, octets: Vec<u8>) -> u32 {
        self.octets.push(octets);
        u32::try_from(self.octets.len()).unwrap_or(u32::MAX)
    }
}

/// An attachment, or those of its octets that were asked for.
struct Attached {
    content_type: String,
    octets: Vec<u8>,
    range: Option<(OctetRange, u64)>,
}

pub(crate) async fn item_operations(asking: &Asking<'_>, tree: &Element, takes_parts: bool) -> Found<Response> {
    let request = ItemOperationsRequest::read(tree, asking.version)?;
    if request.operations.len() > asking.service.settings.commands_max {
        return Err(Status::InvalidContent.into());
    }
    let mut beside = Beside {
        is_taken: takes_parts || asking.line.accept_multi_part,
        octets: Vec::new(),
        left: asking.service.settings.body_octets_max,
    };
    let mut outcomes = Vec::with_capacity(request.operations.len());
    for operation in request.operations {
        outcomes.push(match operation {
            ItemOperation::Fetch(wanted) => ItemOutcome::Fetch {
                fetched: fetch(asking, &wanted, &mut beside).await?,
                source: wanted.source,
            },
            ItemOperation::EmptyFolder {
                collection_id,
                delete_sub_folders,
            } => ItemOutcome::EmptyFolder {
                status: empty_folder(asking, &collection_id, delete_sub_folders).await?,
                collection_id,
            },
            // Conversations are moved mail by mail, with MoveItems: nothing follows one to another folder later, and without
            // that there is no such move.
            ItemOperation::Move {
                conversation_id,
                always,
                ..
            } => ItemOutcome::Move {
                conversation_id,
                status: ItemStatus::Common(match always {
                    true => Status::FailureInMoveOperation,
                    false => Status::MoveCommandDisallowedForNonPersistentMoveAction,
                }),
            },
        });
    }
    let answer = ItemOperationsResponse { outcomes }.write();
    if !beside.is_taken {
        return Ok(body(&answer));
    }
    beside.octets.insert(0, wbxml::encode(&answer));
    let whole = parts::write(&beside.octets).ok_or(Status::ServerError)?;
    let kind = HeaderValue::from_static(parts::CONTENT_TYPE);
    Ok(([(header::CONTENT_TYPE, kind)], whole).into_response())
}

async fn fetch(asking: &Asking<'_>, wanted: &ItemFetch, beside: &mut Beside) -> Found<Result<Fetched, ItemStatus>> {
    if !wanted.store.trim().eq_ignore_ascii_case(MAILBOX) {
        return Ok(Err(ItemStatus::UnknownStore));
    }
    let name = match &wanted.source {
        FetchSource::Attachment { file_reference } => {
            let found = attachment(asking, file_reference, wanted.range, beside.left).await?;
            return Ok(found.map(|found| {
                beside.left = beside.left.saturating_sub(found.octets.len());
                Fetched::Attachment {
                    content_type: found.content_type,
                    range: found.range,
                    data: match beside.is_taken {
                        true => AttachmentData::Part(beside.push(found.octets)),
                        false => AttachmentData::Inline(found.octets),
                    },
                }
            }));
        }
        FetchSource::Item {
            collection_id,
            server_id,
        } => (read_folder(collection_id), server_id.as_str()),
        // Searches call a mail what folders call it.
        FetchSource::Found { long_id } => (read_folder_of(long_id), long_id.as_str()),
    };
    let (Some(folder), name) = name else {
        return Ok(Err(ItemStatus::NotFound));
    };
    let Some(opened) = asking.open(folder).await? else {
        return Ok(Err(ItemStatus::NotFound));
    };
    let view = opened.view;
    let Some(entry) = read_message(&view, name).and_then(|uid| view.get(uid)) else {
        return Ok(Err(ItemStatus::NotFound));
    };
    if beside.left == 0 {
        return Ok(Err(ItemStatus::TooLarge));
    }
    let Some((mut data, octets)) = email_data(asking, &view, entry, &wanted.form.options()).await? else {
        return Ok(Err(ItemStatus::NotFound));
    };
    beside.left = beside.left.saturating_sub(octets);
    if beside.is_taken
        && let Some(body) = data.body.as_mut()
        && let Some(said) = body.data.take()
    {
        body.part = Some(beside.push(match said {
            BodyData::Text(text) => text.into_bytes(),
            BodyData::Mime(octets) => octets,
        }));
    }
    Ok(Ok(Fetched::Item {
        class: "Email".to_owned(),
        data: data.write(asking.version),
    }))
}

/// An attachment decoded; what is answered instead, if it is not to be had.
async fn attachment(
    asking: &Asking<'_>,
    reference: &str,
    range: Option<OctetRange>,
    octets_max: usize,
) -> Found<Result<Attached, ItemStatus>> {
    let names = reference.rsplit_once(':').and_then(|(message, path)| {
        let path = PartPath::parse(path, '.')?;
        Some((message, read_folder_of(message)?, path))
    });
    let Some((message, folder, path)) = names else {
        return Ok(Err(ItemStatus::InvalidAttachment));
    };
    let Some(opened) = asking.open(folder).await? else {
        return Ok(Err(ItemStatus::InvalidAttachment));
    };
    let view = opened.view;
    let Some(entry) = read_message(&view, message).and_then(|uid| view.get(uid)) else {
        return Ok(Err(ItemStatus::InvalidAttachment));
    };
    let services = &asking.service.services;
    let Some(mail) = read_email(&services.database, asking.mailbox, entry.email).await? else {
        return Ok(Err(ItemStatus::InvalidAttachment));
    };
    let Some(part) = mail.structure.section(&path.0) else {
        return Ok(Err(ItemStatus::InvalidAttachment));
    };
    let length = usize::try_from(part.body_octets).unwrap_or(usize::MAX);
    if length > octets_max {
        return Ok(Err(ItemStatus::TooLarge));
    }
    let mut reader = services.blobs.open_blob(asking.mailbox.tenant.0, &mail.blob).await?;
    let raw = read_stretch(&mut reader, part.body_offset(), length).await?;
    let mut decoder = TransferDecoder::new(&part.encoding);
    let mut octets = Vec::with_capacity(raw.len());
    decoder.push(&raw, &mut octets);
    decoder.finish(&mut octets);
    let Some((octets, range)) = stretch(octets, range) else {
        return Ok(Err(ItemStatus::InvalidRange));
    };
    Ok(Ok(Attached {
        content_type: format!("{}/{}", part.media.kind, part.media.subtype),
        octets,
        range,
    }))
}

/// The octets of a range, which ends where they end, and of how many they are; `None` for one that begins behind them.
fn stretch(octets: Vec<u8>, range: Option<OctetRange>) -> Option<(Vec<u8>, Option<(OctetRange, u64)>)> {
    let Some(range) = range else {
        return Some((octets, None));
    };
    let total = octets.len() as u64;
    let told = OctetRange {
        last: range.last.min(total.checked_sub(1)?),
        ..range
    };
    let at = |at: u64| usize::try_from(at).ok();
    let found = octets.get(at(told.first)?..at(told.last)? + 1)?;
    (!found.is_empty()).then(|| (found.to_vec(), Some((told, total))))
}

async fn empty_folder(asking: &Asking<'_>, name: &str, with_folders: bool) -> Found<ItemStatus> {
    if asking.read_only {
        return Ok(ItemStatus::AccessDenied);
    }
    let Some(id) = read_folder(name) else {
        return Ok(ItemStatus::NotFound);
    };
    let Some(opened) = asking.open(id).await? else {
        return Ok(ItemStatus::NotFound);
    };
    let inside = match with_folders {
        true => delete_inside(asking, &opened.info.path).await,
        false => Ok(()),
    };
    let done = match inside {
        Ok(()) => empty(asking, id).await,
        Err(stop) => Err(stop),
    };
    match done {
        Ok(()) => Ok(ItemStatus::Success),
        Err(Stop::Mailbox(MailboxError::NoSuchFolder)) => Ok(ItemStatus::NotFound),
        Err(Stop::Mailbox(error)) if !error.is_temporary() => Ok(ItemStatus::AccessDenied),
        Err(stop) => Err(stop),
    }
}

/// Removes all mails of a folder.
async fn empty(asking: &Asking<'_>, folder: FolderId) -> Found<()> {
    let request = Expunge {
        folder,
        uids: None,
        deleted_only: false,
    };
    asking.ask(request).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_where_the_attachment_ends() {
        let check = |first, last, expect: Option<&[u8]>| {
            let found = stretch(b"abcd".to_vec(), Some(OctetRange { first, last }));
            let found = found.map(|(octets, range)| {
                let (range, total) = range.unwrap();
                assert_eq!((range.last - range.first + 1, total), (octets.len() as u64, 4));
                octets
            });
            assert_eq!(found.as_deref(), expect, "{first}-{last}");
        };
        check(0, 3, Some(b"abcd"));
        check(1, 2, Some(b"bc"));
        check(3, 100, Some(b"d"));
        check(4, 9, None);
        check(5, 9, None);
        check(u64::MAX, u64::MAX, None);
        assert_eq!(stretch(b"a".to_vec(), None).unwrap(), (b"a".to_vec(), None));
        let of_nothing = stretch(Vec::new(), Some(OctetRange { first: 0, last: 1 }));
        assert_eq!(of_nothing, None);
    }
}
