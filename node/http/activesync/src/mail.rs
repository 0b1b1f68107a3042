//! A mail as devices see it: fields, body in the form they take, attachments ([MS-ASEMAIL], [MS-ASAIRS]).

use hongyan_activesync::command::sync::{MimeSupport, SyncOptions};
use hongyan_activesync::{
    Attachment, AttachmentMethod, Body, BodyData, BodyPreference, BodyType, EmailData, Flag, FlagStatus, Importance,
    Verb,
};
use hongyan_blob::BlobReader;
use hongyan_jmap::object::{Bodies, BodyPart, bodies};
use hongyan_mailbox::{Email, FolderView, MessageEntry, read_email};
use hongyan_message::charset::TextDecoder;
use hongyan_message::{AddressItem, Content, Part, TransferDecoder, header, html, subject, words};
use hongyan_types::{Keyword, SystemFlag, Timestamp};

use crate::answer::Found;
use crate::asking::{Asking, message_name};

/// Octets read at a time.
const STEP_OCTETS: usize = 64 * 1024;
/// Of a longer header, the beginning is looked at.
const HEADER_OCTETS_MAX: u64 = 64 * 1024;

/// From Unix time to FILETIME, in seconds.
const FILETIME_SECS: i64 = 11_644_473_600;

/// `text` up to so many octets, whole characters.
fn cut(text: &str, octets_max: usize) -> &str {
    &text[..text.floor_char_boundary(octets_max)]
}

fn names(items: &[AddressItem]) -> impl Iterator<Item = (Option<String>, String)> + '_ {
    items.iter().filter_map(|item| {
        let AddressItem::Mailbox(mailbox) = item else {
            return None;
        };
        let name = mailbox.name.as_deref().map(|name| words::decode(name).into_owned());
        let address = match &mailbox.domain {
            Some(domain) => format!("{}@{domain}", mailbox.local),
            None => mailbox.local.clone(),
        };
        Some((name, address))
    })
}

pub(crate) fn addresses(items: &[AddressItem]) -> Option<String> {
    let all: Vec<String> = names(items)
        .map(|(name, address)| match name {
            Some(name) => format!("\"{}\" <{address}>", name.replace(['"', '\\'], "")),
            None => address,
        })
        .collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// What a device may change of a message, as it is now.
pub(crate) fn state(view: &FolderView, entry: &MessageEntry) -> EmailData {
    let has = |flag| entry.flags.contains(flag);
    let flag = match has(SystemFlag::Flagged) {
        true => Flag {
            status: FlagStatus::Active,
            kind: Some("Flag for follow up".to_owned()),
            ..Flag::default()
        },
        false => Flag::default(),
    };
    let forwarded = Keyword::try_from("$forwarded").ok();
    let forwarded = forwarded.and_then(|keyword| view.keywords().id(&keyword));
    let is_forwarded = forwarded.is_some_and(|id| entry.keywords.ids().contains(&id));
    EmailData {
        read: Some(has(SystemFlag::Seen)),
        flag: Some(flag),
        last_verb_executed: match has(SystemFlag::Answered) {
            true => Some(Verb::ReplyToSender),
            false => is_forwarded.then_some(Verb::Forward),
        },
        ..EmailData::default()
    }
}

/// A message, and the octets of its texts; `None` when it went since.
pub(crate) async fn email_data(
    asking: &Asking<'_>,
    view: &FolderView,
    entry: &MessageEntry,
    options: &SyncOptions,
) -> Found<Option<(EmailData, usize)>> {
    let services = &asking.service.services;
    let Some(mail) = read_email(&services.database, asking.mailbox, entry.email).await? else {
        return Ok(None);
    };
    let mut reader = match services.blobs.open_blob(asking.mailbox.tenant.0, &mail.blob).await {
        Ok(reader) => reader,
        Err(hongyan_blob::BlobError::Missing) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let envelope = &mail.structure.envelope;
    let octets = mail.structure.root.header_octets.min(HEADER_OCTETS_MAX);
    let head = reader.read(0, usize::try_from(octets).unwrap_or(0)).await?;
    let subject = envelope.subject.as_deref().unwrap_or_default();
    let shown: Vec<String> = names(&envelope.to)
        .map(|(name, address)| name.unwrap_or(address))
        .collect();
    let found = bodies(&mail.structure);
    let attachments = found.attachments.iter();
    let attachments = attachments.map(|attachment| one_attachment(attachment, view, entry));
    let (body, native, octets) = body(asking, &mut reader, &mail, &found, options).await?;
    let data = EmailData {
        to: addresses(&envelope.to),
        cc: addresses(&envelope.cc),
        bcc: addresses(&envelope.bcc),
        from: addresses(&envelope.from),
        reply_to: addresses(&envelope.reply_to),
        subject: Some(words::decode(subject).into_owned()),
        date_received: Some(entry.internal_date),
        display_to: Some(shown.join("; ")).filter(|shown| !shown.is_empty()),
        thread_topic: Some(subject::base(subject).text),
        importance: Some(importance(&head)),
        attachments: attachments.collect(),
        body: Some(body),
        native_body_type: Some(native),
        message_class: Some("IPM.Note".to_owned()),
        // What is told is told in UTF-8.
        internet_cpid: Some(65_001),
        content_class: Some("urn:content-classes:message".to_owned()),
        conversation_id: Some(conversation(&mail)),
        conversation_index: Some(index(entry.internal_date)),
        is_draft: Some(entry.flags.contains(SystemFlag::Draft)),
        ..state(view, entry)
    };
    Ok(Some((data, octets)))
}

/// What the header says ([MS-ASEMAIL] §2.2.2.38).
fn importance(head: &[u8]) -> Importance {
    let text = |name| header::find(head, name).map(|field| field.text().trim().to_ascii_lowercase());
    let said = text("Importance").or_else(|| text("X-Priority")).unwrap_or_default();
    match said.as_str() {
        "high" => Importance::High,
        "low" => Importance::Low,
        priority if priority.starts_with(['1', '2']) => Importance::High,
        priority if priority.starts_with(['4', '5']) => Importance::Low,
        _ => Importance::Normal,
    }
}

fn conversation(mail: &Email) -> Vec<u8> {
    let mut id = vec![0; 8];
    id.extend_from_slice(&mail.thread.0.to_be_bytes());
    id
}

/// [MS-ASEMAIL] §2.2.2.22: the five high octets of the time but the first, as FILETIME.
fn index(at: Timestamp) -> Vec<u8> {
    let ticks = at.secs().saturating_add(FILETIME_SECS).saturating_mul(10_000_000);
    ticks.to_be_bytes()[1..6].to_vec()
}

fn one_attachment(found: &BodyPart<'_>, view: &FolderView, entry: &MessageEntry) -> Attachment {
    let part = found.part;
    let is_mail = matches!(part.content, Content::Message(_));
    let name = part.file_name().map(|name| words::decode(name).into_owned());
    let name = name.unwrap_or_else(|| match is_mail {
        true => "message.eml".to_owned(),
        false => format!("attachment.{}", part.media.subtype),
    });
    let reference = format!("{}:{}", message_name(view.folder(), entry.uid), found.path);
    let id = part.id.as_deref().map(|id| id.trim_matches(['<', '>']).to_owned());
    let is_inline = id.is_some() && !part.is_attachment();
    Attachment {
        display_name: Some(name),
        file_reference: reference,
        client_id: None,
        method: match is_mail {
            true => AttachmentMethod::Embedded,
            false => AttachmentMethod::Normal,
        },
        estimated_data_size: u32::try_from(part.decoded_octets).unwrap_or(u32::MAX),
        content_id: id,
        content_location: None,
        is_inline,
    }
}

/// The text of a part, as it stands there.
async fn text(reader: &mut BlobReader, part: &Part, octets_max: usize) -> Found<String> {
    let mut transfer = TransferDecoder::new(&part.encoding);
    let mut charset = TextDecoder::new(part.charset());
    let (mut octets, mut text) = (Vec::new(), String::new());
    let (mut at, end) = (part.body_offset(), part.body_offset().saturating_add(part.body_octets));
    while at < end && text.len() <= octets_max {
        let length = usize::try_from(end - at).unwrap_or(STEP_OCTETS).min(STEP_OCTETS);
        let piece = reader.read(at, length).await?;
        if piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
        octets.clear();
        transfer.push(&piece, &mut octets);
        charset.push(&octets, &mut text);
    }
    octets.clear();
    transfer.finish(&mut octets);
    charset.push(&octets, &mut text);
    charset.finish(&mut text);
    Ok(text)
}

async fn texts(reader: &mut BlobReader, parts: &[BodyPart<'_>], as_html: bool, octets_max: usize) -> Found<String> {
    let mut all = String::new();
    for found in parts.iter().filter(|found| found.part.media.kind == "text") {
        let text = text(reader, found.part, octets_max.saturating_sub(all.len())).await?;
        let is_html = found.part.media.subtype == "html";
        all.push_str(&match (is_html, as_html) {
            (true, true) | (false, false) => text,
            (true, false) => html::text(&text),
            (false, true) => in_html(&text),
        });
    }
    Ok(all)
}

/// Plain text as HTML.
pub(crate) fn in_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str("<div>");
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => {}
            '\n' => out.push_str("<br>\r\n"),
            character => out.push(character),
        }
    }
    out.push_str("</div>");
    out
}

/// The form that a device gets: one that it takes, the mail's own before others.
fn choose(options: &SyncOptions, has_html: bool) -> (BodyType, Option<&BodyPreference>) {
    let wishes = &options.body_preferences;
    let wish = |kind| wishes.iter().find(|wish| wish.kind == kind);
    if let Some(mime) = wish(BodyType::Mime)
        && (options.mime_support == MimeSupport::Always || wishes.len() == 1)
    {
        return (BodyType::Mime, Some(mime));
    }
    match (wish(BodyType::Html), wish(BodyType::Plain)) {
        (Some(html), None) => (BodyType::Html, Some(html)),
        (Some(html), Some(_)) if has_html => (BodyType::Html, Some(html)),
        (_, plain) => (BodyType::Plain, plain),
    }
}

/// As many octets of a mail as end with a whole character, where it has UTF-8 up to there.
fn whole_characters(mut octets: Vec<u8>) -> Vec<u8> {
    if let Err(error) = std::str::from_utf8(&octets)
        && error.error_len().is_none()
    {
        octets.truncate(error.valid_up_to());
    }
    octets
}

/// The body, the form in which it is kept, and the octets that are told.
async fn body(
    asking: &Asking<'_>,
    reader: &mut BlobReader,
    mail: &Email,
    found: &Bodies<'_>,
    options: &SyncOptions,
) -> Found<(Body, BodyType, usize)> {
    let is_html = |part: &BodyPart<'_>| part.part.media.is("text", "html");
    let has_html = found.html.iter().any(is_html);
    let native = if has_html { BodyType::Html } else { BodyType::Plain };
    let (kind, wish) = choose(options, has_html);
    let wanted = wish.and_then(|wish| wish.truncation_size);
    let wanted = wanted.map_or(usize::MAX, |octets| usize::try_from(octets).unwrap_or(usize::MAX));
    let octets_max = asking.service.settings.body_octets_max;
    let most = wanted.min(octets_max);
    let (data, length, size) = if kind == BodyType::Mime {
        let octets = usize::try_from(mail.octets.0).unwrap_or(usize::MAX);
        let octets = whole_characters(read_whole(reader, octets.min(most)).await?);
        let length = octets.len();
        (BodyData::Mime(octets), length, mail.octets.0)
    } else {
        let parts = match kind {
            BodyType::Html => &found.html,
            _ => &found.text,
        };
        let text = texts(reader, parts, kind == BodyType::Html, octets_max).await?;
        let shown = cut(&text, most);
        (BodyData::Text(shown.to_owned()), shown.len(), text.len() as u64)
    };
    let truncated = (length as u64) < size;
    let is_left_out = truncated && wish.is_some_and(|wish| wish.all_or_none);
    let length = if is_left_out { 0 } else { length };
    let preview = wish.and_then(|wish| wish.preview).filter(|characters| *characters > 0);
    let preview = preview.map(|characters| mail.structure.preview.chars().take(characters.into()).collect());
    let body = Body {
        kind,
        estimated_data_size: Some(u32::try_from(size).unwrap_or(u32::MAX)),
        truncated,
        data: Some(data).filter(|_| length > 0),
        part: None,
        preview,
    };
    Ok((body, native, length))
}

/// The text of a mail to stand below another, with lines about it above; and its type.
pub(crate) async fn quoted(asking: &Asking<'_>, mail: &Email, about: &[String]) -> Found<(&'static str, String)> {
    let services = &asking.service.services;
    let mut reader = services.blobs.open_blob(asking.mailbox.tenant.0, &mail.blob).await?;
    let found = bodies(&mail.structure);
    let has_html = found.html.iter().any(|part| part.part.media.is("text", "html"));
    let parts = if has_html { &found.html } else { &found.text };
    let text = texts(&mut reader, parts, has_html, asking.service.settings.body_octets_max).await?;
    let above = about.join("\r\n");
    Ok(match has_html {
        true => ("text/html", format!("<hr>{}<br>{text}", in_html(&above))),
        false => ("text/plain", format!("--------\r\n{above}\r\n\r\n{text}")),
    })
}

/// The beginning of a mail.
pub(crate) async fn read_whole(reader: &mut BlobReader, length: usize) -> Found<Vec<u8>> {
    read_stretch(reader, 0, length).await
}

/// So many octets from an offset, fewer at the end.
pub(crate) async fn read_stretch(reader: &mut BlobReader, offset: u64, length: usize) -> Found<Vec<u8>> {
    let mut octets = Vec::with_capacity(length);
    while octets.len() < length {
        let step = (length - octets.len()).min(STEP_OCTETS);
        let piece = reader.read(offset + octets.len() as u64, step).await?;
        if piece.is_empty() {
            break;
        }
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_body_is_one_that_the_device_takes() {
        use BodyType::{Html, Mime, Plain};
        let check = |kinds: &[BodyType], mime_support, has_html: bool, expect: BodyType| {
            let wish = |kind: &BodyType| BodyPreference {
                kind: *kind,
                truncation_size: None,
                all_or_none: false,
                preview: None,
            };
            let options = SyncOptions {
                mime_support,
                body_preferences: kinds.iter().map(wish).collect(),
                ..SyncOptions::default()
            };
            let chosen = choose(&options, has_html).0;
            assert_eq!(chosen, expect, "{kinds:?} {mime_support:?} {has_html}");
        };
        check(&[], MimeSupport::Never, true, Plain);
        check(&[Plain], MimeSupport::Never, true, Plain);
        check(&[Html], MimeSupport::Never, false, Html);
        check(&[Html, Plain], MimeSupport::Never, true, Html);
        check(&[Html, Plain], MimeSupport::Never, false, Plain);
        check(&[Html, Mime], MimeSupport::Never, true, Html);
        check(&[Html, Mime], MimeSupport::Always, true, Mime);
        check(&[Mime], MimeSupport::Never, true, Mime);
    }

    #[test]
    fn a_mail_is_cut_between_characters() {
        assert_eq!(whole_characters("aé".as_bytes()[..2].to_vec()), b"a");
        assert_eq!(whole_characters("aé".as_bytes().to_vec()), "aé".as_bytes());
        assert_eq!(whole_characters(b"a\xffb".to_vec()), b"a\xffb");
    }

    #[test]
    fn plain_text_becomes_html_that_says_the_same() {
        assert_eq!(in_html("a<b>&c\r\nd"), "<div>a&lt;b&gt;&amp;c<br>\r\nd</div>");
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn importance_is_what_the_header_says() {
        for (head, expect) in [
            ("Importance: High\r\n\r\n", Importance::High),
            ("X-Priority: 5 (Lowest)\r\n\r\n", Importance::Low),
            ("Subject: x\r\n\r\n", Importance::Normal),
        ] {
            assert_eq!(importance(head.as_bytes()), expect, "{head}");
        }
    }
}
