//! A mail as devices see it: fields, body in the form they take, attachments ([MS-ASEMAIL], [MS-ASAIRS]).

use hongyan_activesync::Element;
use hongyan_activesync::page::{air_sync, air_sync_base, email, email2};
use hongyan_blob::BlobReader;
use hongyan_jmap::object::{Bodies, BodyPart, bodies};
use hongyan_mailbox::{Email, FolderView, MessageEntry, read_email};
use hongyan_message::charset::TextDecoder;
use hongyan_message::{AddressItem, Content, Part, SentDate, TransferDecoder, header, html, subject, words};
use hongyan_types::{Keyword, SystemFlag, Timestamp};

use crate::answer::Found;
use crate::asking::{Asking, folder_name};
use crate::record::{BodyWishRecord, WishesRecord};

/// Octets read at a time.
const STEP_OCTETS: usize = 64 * 1024;
/// Of a longer header, the beginning is looked at.
const HEADER_OCTETS_MAX: u64 = 64 * 1024;

/// Forms of a body ([MS-ASAIRS] §2.2.2.41).
const PLAIN: u8 = 1;
const HTML: u8 = 2;
const MIME: u8 = 4;
/// Of `MIMESupport`: all mails come as MIME.
const ALL_MIME: u8 = 2;
/// From Unix time to FILETIME, in seconds.
const FILETIME_SECS: i64 = 11_644_473_600;

/// A moment as devices read it ([MS-ASDTYPE] §2.3).
pub(crate) fn date(at: Timestamp) -> String {
    let day = SentDate {
        timestamp: at,
        zone_minutes: 0,
    }
    .civil();
    let secs = at.secs().rem_euclid(86_400);
    let (hour, minute, second) = (secs / 3_600, secs / 60 % 60, secs % 60);
    let millis = at.millis.rem_euclid(1_000);
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z",
        day.year, day.month, day.day
    )
}

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
pub(crate) fn state(view: &FolderView, entry: &MessageEntry) -> Vec<Element> {
    let is_flagged = entry.flags.contains(SystemFlag::Flagged);
    let flag = match is_flagged {
        true => Element::new(email::FLAG)
            .text(email::STATUS, "2")
            .text(email::FLAG_TYPE, "Flag for follow up"),
        false => Element::new(email::FLAG),
    };
    let read = if entry.flags.contains(SystemFlag::Seen) {
        "1"
    } else {
        "0"
    };
    let mut state = vec![Element::of_text(email::READ, read), flag];
    let forwarded = Keyword::try_from("$forwarded").ok();
    let forwarded = forwarded.and_then(|keyword| view.keywords().id(&keyword));
    // [MS-ASEMAIL] §2.2.2.45: 1 is a reply, 3 a forward.
    let verb = if entry.flags.contains(SystemFlag::Answered) {
        Some("1")
    } else if forwarded.is_some_and(|id| entry.keywords.ids().contains(&id)) {
        Some("3")
    } else {
        None
    };
    state.extend(verb.map(|verb| Element::of_text(email2::LAST_VERB_EXECUTED, verb)));
    state
}

/// A message, and the octets of its texts; `None` when it went since.
pub(crate) async fn application_data(
    asking: &Asking<'_>,
    view: &FolderView,
    entry: &MessageEntry,
    wishes: &WishesRecord,
) -> Found<Option<(Element, usize)>> {
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
    let data = Element::new(air_sync::APPLICATION_DATA)
        .text_if(email::TO, addresses(&envelope.to))
        .text_if(email::CC, addresses(&envelope.cc))
        .text_if(email::FROM, addresses(&envelope.from))
        .text_if(email::REPLY_TO, addresses(&envelope.reply_to))
        .text(email::SUBJECT, words::decode(subject).into_owned())
        .text(email::DATE_RECEIVED, date(entry.internal_date))
        .text_if(
            email::DISPLAY_TO,
            Some(shown.join("; ")).filter(|shown| !shown.is_empty()),
        )
        .text(email::THREAD_TOPIC, subject::base(subject).text)
        .text(email::IMPORTANCE, importance(&head))
        .with_all(state(view, entry))
        .text(email::MESSAGE_CLASS, "IPM.Note")
        // What is told is told in UTF-8.
        .text(email::INTERNET_CPID, "65001")
        .text(email::CONTENT_CLASS, "urn:content-classes:message");
    let found = bodies(&mail.structure);
    let data = data.with_all(attachments(&found, view, entry));
    let (body, native, octets) = body(asking, &mut reader, &mail, &found, wishes).await?;
    let mut data = data
        .with(body)
        .number(air_sync_base::NATIVE_BODY_TYPE, native)
        .opaque(email2::CONVERSATION_ID, conversation(&mail))
        .opaque(email2::CONVERSATION_INDEX, index(entry.internal_date));
    if asking.version.is_16() {
        data = data
            .text_if(email2::BCC, addresses(&envelope.bcc))
            .boolean(email2::IS_DRAFT, entry.flags.contains(SystemFlag::Draft));
    }
    Ok(Some((data, octets)))
}

/// [MS-ASEMAIL] §2.2.2.38: 0 is low, 1 normal, 2 high.
fn importance(head: &[u8]) -> &'static str {
    let text = |name| header::find(head, name).map(|field| field.text().trim().to_ascii_lowercase());
    let said = text("Importance").or_else(|| text("X-Priority")).unwrap_or_default();
    match said.as_str() {
        "high" => "2",
        "low" => "0",
        priority if priority.starts_with(['1', '2']) => "2",
        priority if priority.starts_with(['4', '5']) => "0",
        _ => "1",
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

fn attachments(found: &Bodies<'_>, view: &FolderView, entry: &MessageEntry) -> Option<Element> {
    let shown = found
        .attachments
        .iter()
        .map(|attachment| one_attachment(attachment, view, entry));
    let shown: Vec<Element> = shown.collect();
    (!shown.is_empty()).then(|| Element::new(air_sync_base::ATTACHMENTS).with_all(shown))
}

fn one_attachment(found: &BodyPart<'_>, view: &FolderView, entry: &MessageEntry) -> Element {
    let part = found.part;
    let is_mail = matches!(part.content, Content::Message(_));
    let name = part.file_name().map(|name| words::decode(name).into_owned());
    let name = name.unwrap_or_else(|| match is_mail {
        true => "message.eml".to_owned(),
        false => format!("attachment.{}", part.media.subtype),
    });
    let reference = format!("{}:{}:{}", folder_name(view.folder()), entry.uid.get(), found.path);
    let id = part.id.as_deref().map(|id| id.trim_matches(['<', '>']).to_owned());
    let is_inline = id.is_some() && !part.is_attachment();
    Element::new(air_sync_base::ATTACHMENT)
        .text(air_sync_base::DISPLAY_NAME, name)
        .text(air_sync_base::FILE_REFERENCE, reference)
        // [MS-ASAIRS] §2.2.2.28: 1 is a file, 5 a mail.
        .text(air_sync_base::METHOD, if is_mail { "5" } else { "1" })
        .number(air_sync_base::ESTIMATED_DATA_SIZE, part.decoded_octets)
        .text_if(air_sync_base::CONTENT_ID, id)
        .with_all(is_inline.then(|| Element::of_text(air_sync_base::IS_INLINE, "1")))
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
fn in_html(text: &str) -> String {
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
fn choose(wishes: &WishesRecord, has_html: bool) -> (u8, Option<&BodyWishRecord>) {
    let wish = |kind| wishes.bodies.iter().find(|wish| wish.kind == kind);
    if let Some(mime) = wish(MIME)
        && (wishes.mime == ALL_MIME || wishes.bodies.len() == 1)
    {
        return (MIME, Some(mime));
    }
    match (wish(HTML), wish(PLAIN)) {
        (Some(html), None) => (HTML, Some(html)),
        (Some(html), Some(_)) if has_html => (HTML, Some(html)),
        (_, plain) => (PLAIN, plain),
    }
}

async fn body(
    asking: &Asking<'_>,
    reader: &mut BlobReader,
    mail: &Email,
    found: &Bodies<'_>,
    wishes: &WishesRecord,
) -> Found<(Element, u8, usize)> {
    let is_html = |part: &BodyPart<'_>| part.part.media.is("text", "html");
    let has_html = found.html.iter().any(is_html);
    let native = if has_html { HTML } else { PLAIN };
    let (kind, wish) = choose(wishes, has_html);
    let wanted = wish.and_then(|wish| wish.truncation);
    let wanted = wanted.map_or(usize::MAX, |octets| usize::try_from(octets).unwrap_or(usize::MAX));
    let octets_max = asking.service.settings.body_octets_max;
    let (whole, size) = match kind {
        MIME => {
            let octets = usize::try_from(mail.octets.0).unwrap_or(usize::MAX);
            let length = octets.min(octets_max).min(wanted);
            let octets = read_whole(reader, length).await?;
            (String::from_utf8_lossy(&octets).into_owned(), mail.octets.0)
        }
        _ => {
            let parts = if kind == HTML { &found.html } else { &found.text };
            let text = texts(reader, parts, kind == HTML, octets_max).await?;
            let size = text.len() as u64;
            (text, size)
        }
    };
    let mut shown = cut(&whole, wanted.min(octets_max));
    let is_truncated = (shown.len() as u64) < size;
    if is_truncated && wish.is_some_and(|wish| wish.all_or_none) {
        shown = "";
    }
    let preview = wish.and_then(|wish| wish.preview).filter(|characters| *characters > 0);
    let preview = preview.map(|characters| {
        let most = usize::try_from(characters.min(255)).unwrap_or(255);
        mail.structure.preview.chars().take(most).collect::<String>()
    });
    let element = Element::new(air_sync_base::BODY)
        .number(air_sync_base::TYPE, kind)
        .number(air_sync_base::ESTIMATED_DATA_SIZE, size)
        .with_all(is_truncated.then(|| Element::of_text(air_sync_base::TRUNCATED, "1")))
        .text_if(air_sync_base::DATA, Some(shown).filter(|shown| !shown.is_empty()))
        .text_if(air_sync_base::PREVIEW, preview);
    Ok((element, native, shown.len()))
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
    fn dates_have_milliseconds() {
        let at = Timestamp {
            millis: 1_700_000_000_042,
        };
        assert_eq!(date(at), "2023-11-14T22:13:20.042Z");
    }

    #[test]
    fn the_form_of_a_body_is_one_that_the_device_takes() {
        let check = |kinds: &[u8], mime: u8, has_html: bool, expect: u8| {
            let wish = |kind: &u8| BodyWishRecord {
                kind: *kind,
                truncation: None,
                all_or_none: false,
                preview: None,
            };
            let wishes = WishesRecord {
                mime,
                bodies: kinds.iter().map(wish).collect(),
                ..WishesRecord::default()
            };
            assert_eq!(choose(&wishes, has_html).0, expect, "{kinds:?} {mime} {has_html}");
        };
        check(&[], 0, true, PLAIN);
        check(&[PLAIN], 0, true, PLAIN);
        check(&[HTML], 0, false, HTML);
        check(&[HTML, PLAIN], 0, true, HTML);
        check(&[HTML, PLAIN], 0, false, PLAIN);
        check(&[HTML, MIME], 0, true, HTML);
        check(&[HTML, MIME], 2, true, MIME);
        check(&[MIME], 0, true, MIME);
    }

    #[test]
    fn plain_text_becomes_html_that_says_the_same() {
        assert_eq!(in_html("a<b>&c\r\nd"), "<div>a&lt;b&gt;&amp;c<br>\r\nd</div>");
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn importance_is_what_the_header_says() {
        for (head, expect) in [
            ("Importance: High\r\n\r\n", "2"),
            ("X-Priority: 5 (Lowest)\r\n\r\n", "0"),
            ("Subject: x\r\n\r\n", "1"),
        ] {
            assert_eq!(importance(head.as_bytes()), expect, "{head}");
        }
    }
}
