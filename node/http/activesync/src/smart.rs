//! SmartReply and SmartForward: what was written above a mail that the device need not have whole ([MS-ASCMD] §2.2.1.19, §2.2.1.20).
//! A reply gets the text of the original behind it, a forward the original itself, unless the device has joined them (`ReplaceMime`).

use axum::response::Response;
use hongyan_activesync::command::smart::{SmartKind, SmartRequest, Source};
use hongyan_activesync::{Command, Element, Status};
use hongyan_mailbox::{Email, FlagAction, FolderView, MessageEntry, StoreFlags, read_email};
use hongyan_message::{Body, Builder, SentDate, header, words};
use hongyan_types::{Flag, Keyword, SystemFlag, UidSet};

use crate::answer::{Found, empty};
use crate::asking::{Asking, read_folder, read_folder_of};
use crate::mail::{addresses, quoted, read_whole};
use crate::send_mail::{send, with_crlf};
use crate::sync_changes::read_message;

/// The mail that is answered or forwarded.
struct Original {
    view: FolderView,
    entry: MessageEntry,
    mail: Email,
    octets: Vec<u8>,
}

pub(crate) async fn smart(asking: &Asking<'_>, tree: &Element) -> Found<Response> {
    let request = SmartRequest::read(tree, asking.version)?;
    let expect = match request.kind {
        SmartKind::Reply => Command::SmartReply,
        SmartKind::Forward => Command::SmartForward,
    };
    if asking.line.command != expect {
        return Err(Status::InvalidContent.into());
    }
    let mail = with_crlf(&request.mail.mime);
    let original = find(asking, &request.source).await?.ok_or(Status::ItemNotFound)?;
    let mail = match request.replace_mime {
        true => mail,
        false => join(asking, &mail, &original, request.kind).await?,
    };
    send(asking, &request.mail, &mail).await?;
    let flag = match request.kind {
        SmartKind::Reply => Flag::System(SystemFlag::Answered),
        SmartKind::Forward => Flag::Keyword(Keyword::try_from("$Forwarded").map_err(|_| Status::ServerError)?),
    };
    let request = StoreFlags {
        folder: original.view.folder(),
        uids: UidSet::from_range(original.entry.uid, original.entry.uid),
        action: FlagAction::Add,
        flags: vec![flag],
        unchanged_since: None,
    };
    // The mail has left, whatever becomes of the mark.
    if let Err(error) = asking.ask(request).await {
        tracing::info!(event = "active_sync_unmarked", %error);
    }
    Ok(empty())
}

async fn find(asking: &Asking<'_>, source: &Source) -> Found<Option<Original>> {
    let (folder, name) = match source {
        Source::Item { folder_id, item_id } => (read_folder(folder_id), item_id),
        // Searches call a mail what folders call it.
        Source::Found { long_id } => (read_folder_of(long_id), long_id),
    };
    let Some(folder) = folder else {
        return Ok(None);
    };
    let Some(opened) = asking.open(folder).await? else {
        return Ok(None);
    };
    let view = opened.view;
    let Some(entry) = read_message(&view, name).and_then(|uid| view.get(uid)).cloned() else {
        return Ok(None);
    };
    let services = &asking.service.services;
    let Some(mail) = read_email(&services.database, asking.mailbox, entry.email).await? else {
        return Ok(None);
    };
    let length = usize::try_from(mail.octets.0).unwrap_or(usize::MAX);
    if length > asking.service.settings.body_octets_max {
        return Err(Status::AttachmentIsTooLarge.into());
    }
    let mut reader = services.blobs.open_blob(asking.mailbox.tenant.0, &mail.blob).await?;
    let octets = read_whole(&mut reader, length).await?;
    Ok(Some(Original {
        view,
        entry,
        mail,
        octets,
    }))
}

/// Both in one: what was written as it is, and the original behind it.
async fn join(asking: &Asking<'_>, mail: &[u8], original: &Original, kind: SmartKind) -> Found<Vec<u8>> {
    let is_reply = kind == SmartKind::Reply;
    let end = header::octets(mail);
    let (head, body) = mail.split_at(end);
    let mut boundary = [0; 12];
    asking.service.services.env.fill_random(&mut boundary);
    let boundary: String = boundary.iter().map(|octet| format!("{octet:02x}")).collect();
    let (mut outer, mut inner) = (Vec::new(), Vec::new());
    for field in header::fields(head) {
        let is_inner = field.name.to_ascii_lowercase().starts_with(b"content-");
        if field.is("MIME-Version") {
            continue;
        }
        let into = if is_inner { &mut inner } else { &mut outer };
        into.extend_from_slice(field.raw);
        if !field.raw.ends_with(b"\n") {
            into.extend_from_slice(b"\r\n");
        }
    }
    if is_reply
        && header::find(head, "In-Reply-To").is_none()
        && let Some(id) = original.mail.structure.envelope.message_id.as_deref()
    {
        let before = original
            .mail
            .structure
            .references
            .iter()
            .map(|id| format!("<{id}>\r\n "));
        let references: String = before.collect();
        outer.extend_from_slice(format!("In-Reply-To: {id}\r\nReferences: {references}{id}\r\n").as_bytes());
    }
    let mut out = outer;
    out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    out.extend_from_slice(
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n").as_bytes(),
    );
    out.extend_from_slice(&inner);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
    let part = if is_reply {
        let (kind, text) = quoted(asking, &original.mail, &about(original)).await?;
        Body::text(kind, &text)
    } else {
        // RFC 2046 §5.2.1: a mail in another is not encoded.
        Body::plain("message/rfc822", &original.octets)
    };
    let part = Builder::new(part).build();
    // The whole says the version of MIME.
    out.extend_from_slice(part.strip_prefix(b"MIME-Version: 1.0\r\n").unwrap_or(&part));
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok(out)
}

/// What stands above a quoted mail, a line each.
fn about(original: &Original) -> Vec<String> {
    let envelope = &original.mail.structure.envelope;
    let date = SentDate {
        timestamp: original.entry.internal_date,
        zone_minutes: 0,
    };
    let subject = envelope
        .subject
        .as_deref()
        .map(|subject| words::decode(subject).into_owned());
    [
        ("From", addresses(&envelope.from)),
        ("Date", Some(date.to_string())),
        ("To", addresses(&envelope.to)),
        ("Cc", addresses(&envelope.cc)),
        ("Subject", subject),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some(format!("{name}: {}", text?)))
    .collect()
}
