//! What a client gets that cannot take UTF-8 in headers: the same message with headers that ASCII carries (RFC 6858).
//!
//! Nothing is lost that can be written in ASCII: texts become encoded words, domains A-labels, MIME parameters the form of
//! RFC 2231. An address whose local part is not ASCII has no such form; it is shown, and cannot be answered to. Bodies
//! stay as they are. Old 8-bit headers without any charset are read by their likely one.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::builder::{parameter_text, phrase, write_field};
use crate::header::{field_end, is_blank_line, split_field, unfold};
use crate::structure::{Content, Parameter, Part, Structure};
use crate::{AddressItem, address, media, words};

/// Headers longer than this are not rewritten: what is not ASCII in them becomes `?`.
const HEADER_OCTETS_MAX: usize = 1 << 20;

/// Stands for an address that ASCII cannot carry; nobody has it (RFC 6858 §2.1).
const INVALID: &str = "invalid@internationalized-address.invalid";

/// Fields that hold addresses (RFC 6858 §2.1), and those of ours.
const ADDRESSES: [&str; 14] = [
    "Bcc",
    "Cc",
    "From",
    "Reply-To",
    "Resent-Bcc",
    "Resent-Cc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Return-Path",
    "Sender",
    "To",
    "Delivered-To",
    "Disposition-Notification-To",
];

/// Fields with a grammar of their own, in which encoded words would mean something else: left out (RFC 6858 §2.4).
const STRUCTURED: [&str; 17] = [
    "ARC-Authentication-Results",
    "ARC-Message-Signature",
    "ARC-Seal",
    "Authentication-Results",
    "Content-ID",
    "Content-Language",
    "Content-Location",
    "Content-MD5",
    "Content-Transfer-Encoding",
    "Date",
    "DKIM-Signature",
    "In-Reply-To",
    "Message-ID",
    "MIME-Version",
    "Received",
    "Received-SPF",
    "References",
];

/// A header section, with or without its blank line, in ASCII.
#[must_use]
pub fn header(section: &[u8]) -> Cow<'_, [u8]> {
    if section.is_ascii() {
        return Cow::Borrowed(section);
    }
    let mut out = Vec::with_capacity(section.len());
    let mut rest = section;
    while !rest.is_empty() {
        let end = if is_blank_line(rest) {
            rest.len()
        } else {
            field_end(rest)
        };
        let (raw, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = tail;
        if raw.is_ascii() {
            out.extend_from_slice(raw);
        } else if let Some((name, value)) = split_field(raw) {
            put_field(&mut out, &String::from_utf8_lossy(name), value);
        }
    }
    Cow::Owned(out)
}

fn put_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let text = unfold(value);
    let value = if is_one_of(&ADDRESSES) {
        Some(addresses(&text, name.eq_ignore_ascii_case("Return-Path")))
    } else if name.eq_ignore_ascii_case("Content-Type") {
        media::media_type(&text).map(|media| {
            let head = format!("{}/{}", media.kind, media.subtype);
            with_parameters(head, &media.params)
        })
    } else if name.eq_ignore_ascii_case("Content-Disposition") {
        media::disposition(&text).map(|disposition| with_parameters(disposition.kind, &disposition.params))
    } else if is_one_of(&STRUCTURED) {
        None
    } else {
        Some(words::encode(&words::decode(&text)).into_owned())
    };
    if let Some(value) = value {
        write_field(out, name, &value);
    }
}

fn with_parameters(head: String, parameters: &[Parameter]) -> String {
    parameters
        .iter()
        .fold(head, |value, parameter| value + &parameter_text(parameter))
}

fn addresses(text: &str, is_path: bool) -> String {
    let mut list = String::new();
    let mut needs_comma = false;
    for item in address::parse_list(text) {
        match &item {
            AddressItem::GroupStart(name) => {
                separate(&mut list, needs_comma);
                list.push_str(&phrase(&words::decode(name)));
                list.push(':');
                needs_comma = false;
            }
            AddressItem::GroupEnd => {
                list.push(';');
                needs_comma = true;
            }
            AddressItem::Mailbox(_) => {
                separate(&mut list, needs_comma);
                list.push_str(&mailbox(&item, is_path));
                needs_comma = true;
            }
        }
    }
    list
}

fn separate(list: &mut String, comma: bool) {
    match comma {
        true => list.push_str(", "),
        false if !list.is_empty() => list.push(' '),
        false => {}
    }
}

fn mailbox(item: &AddressItem, is_path: bool) -> String {
    let AddressItem::Mailbox(mailbox) = item else {
        return String::new();
    };
    let name = mailbox.name.as_deref().map(words::decode);
    let written = item.to_address().map(|address| address.to_string());
    match (written.filter(|address| address.is_ascii()), name) {
        (Some(address), Some(name)) if !is_path => format!("{} <{address}>", phrase(&name)),
        (Some(address), _) => format!("<{address}>"),
        (None, _) if is_path => format!("<{INVALID}>"),
        (None, name) => {
            let domain = mailbox.domain.as_deref().unwrap_or_default();
            let shown = format!("{}@{domain}", mailbox.local);
            let shown = name.map_or_else(|| shown.clone(), |name| format!("{name} ({shown})"));
            format!("{} <{INVALID}>", phrase(&shown))
        }
    }
}

/// Writes a message that comes in pieces with all its headers, those of its parts too, in ASCII.
#[derive(Debug)]
pub struct SurrogateWriter {
    /// Headers that are still to come: where they begin, and their octets.
    headers: VecDeque<(u64, u64)>,
    offset: u64,
    held: Vec<u8>,
    /// Within a header that is too long to be rewritten.
    masking: bool,
}

impl SurrogateWriter {
    /// For a message of that structure.
    #[must_use]
    pub fn new(structure: &Structure) -> Self {
        let mut headers = VecDeque::new();
        collect(&structure.root, &mut headers);
        Self {
            headers,
            offset: 0,
            held: Vec::new(),
            masking: false,
        }
    }

    /// The next piece, as it is to be sent.
    pub fn push<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let end = self.offset.saturating_add(octets(bytes));
        if self.headers.front().is_none_or(|(start, _)| *start >= end) {
            self.offset = end;
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, tail) = match self.headers.front() {
                Some((start, _)) if *start > self.offset => self.split(rest, *start),
                Some((start, count)) => self.split(rest, start.saturating_add(*count)),
                None => (rest, &[][..]),
            };
            let in_header = self.headers.front().is_some_and(|(start, _)| *start <= self.offset);
            self.offset = self.offset.saturating_add(octets(piece));
            rest = tail;
            if in_header {
                self.in_header(piece, &mut out);
            } else {
                out.extend_from_slice(piece);
            }
        }
        Cow::Owned(out)
    }

    fn split<'a>(&self, bytes: &'a [u8], until: u64) -> (&'a [u8], &'a [u8]) {
        let count = usize::try_from(until.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        bytes.split_at_checked(count).unwrap_or((bytes, &[]))
    }

    fn in_header(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if self.masking || self.held.len().saturating_add(piece.len()) > HEADER_OCTETS_MAX {
            let held = std::mem::take(&mut self.held);
            let mask = |byte: &u8| if byte.is_ascii() { *byte } else { b'?' };
            out.extend(held.iter().chain(piece).map(mask));
            self.masking = true;
        } else {
            self.held.extend_from_slice(piece);
        }
        let ends = |(start, count): &(u64, u64)| start.saturating_add(*count) <= self.offset;
        if self.headers.front().is_some_and(ends) {
            self.headers.pop_front();
            out.extend_from_slice(&header(&std::mem::take(&mut self.held)));
            self.masking = false;
        }
    }

    /// What is left when the message was shorter than its structure says.
    pub fn finish(self) -> Vec<u8> {
        header(&self.held).into_owned()
    }
}

fn octets(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The headers of a part and of what is in it, in the order of the message. The tree is no deeper than the scanner's limit.
fn collect(part: &Part, headers: &mut VecDeque<(u64, u64)>) {
    if part.header_octets > 0 {
        headers.push_back((part.header_offset, part.header_octets));
    }
    match &part.content {
        Content::Leaf => {}
        Content::Multipart(parts) => parts.iter().for_each(|part| collect(part, headers)),
        Content::Message(embedded) => collect(&embedded.root, headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &str, expect: &str) {
        let section = format!("X-A: 1\r\n{field}\r\n\r\n");
        let made = String::from_utf8(header(section.as_bytes()).into_owned()).unwrap();
        let expect = if expect.is_empty() {
            String::new()
        } else {
            format!("{expect}\r\n")
        };
        assert_eq!(made, format!("X-A: 1\r\n{expect}\r\n"), "{field}");
    }

    #[test]
    fn fields_become_ascii() {
        check("Subject: plain", "Subject: plain");
        check("Subject: 你好", "Subject: =?utf-8?B?5L2g5aW9?=");
        check("Subject: =?utf-8?q?a?= 你", "Subject: =?utf-8?B?YSDkvaA=?=");
        check(
            "From: 王 <wang@例子.测试>",
            "From: =?utf-8?B?546L?= <wang@xn--fsqu00a.xn--0zwm56d>",
        );
        check(
            "To: \"你, x\" <a@b.test>, 团队: c@d.test, 用户@e.test;, f@g.test",
            "To: =?utf-8?B?5L2gLCB4?= <a@b.test>, =?utf-8?B?5Zui6Zif?=: <c@d.test>,\r\n =?utf-8?B?55So5oi3QGUudGVzdA==?=\r\n <invalid@internationalized-address.invalid>;, <f@g.test>",
        );
        check(
            "Return-Path: <用户@e.test>",
            "Return-Path: <invalid@internationalized-address.invalid>",
        );
        check(
            "Content-Disposition: attachment; filename=\"表.txt\"",
            "Content-Disposition: attachment; filename*=utf-8''%E8%A1%A8.txt",
        );
        check(
            "Content-Type: text/plain; charset=utf-8; name=表",
            "Content-Type: text/plain; charset=\"utf-8\"; name*=utf-8''%E8%A1%A8",
        );
        check("Received: from 主机 by b", "");
        check("不是字段", "");
        check("X-名: 1", "");
    }

    #[test]
    fn old_8_bit_headers_are_read_by_their_likely_charset() {
        // GBK.
        let made = header(b"Subject: \xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7\r\n\r\n").into_owned();
        assert!(made.is_ascii());
        assert_eq!(
            crate::header::find(&made, "Subject").map(|field| field.text()),
            Some("你好，世界".to_owned())
        );
    }

    const MAIL: &str = "Subject: 你\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npré\r\n--b\r\n\
        Content-Disposition: inline; filename=é\r\n\r\nbodé\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n\
        Subject: ü\r\n\r\ninnér\r\n--b--\r\n";

    #[test]
    fn headers_of_parts_too_and_bodies_not_in_any_pieces() {
        let structure = crate::parse(MAIL.as_bytes());
        let whole = SurrogateWriter::new(&structure).push(MAIL.as_bytes()).into_owned();
        let text = String::from_utf8(whole.clone()).unwrap();
        assert_eq!(
            text,
            "Subject: =?utf-8?B?5L2g?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npré\r\n--b\r\n\
             Content-Disposition: inline; filename*=utf-8''%C3%A9\r\n\r\nbodé\r\n--b\r\n\
             Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?B?w7w=?=\r\n\r\ninnér\r\n--b--\r\n"
        );
        for octets in [1, 2, 7, 50] {
            let mut writer = SurrogateWriter::new(&structure);
            let mut pieces = Vec::new();
            for piece in MAIL.as_bytes().chunks(octets) {
                pieces.extend_from_slice(&writer.push(piece));
            }
            pieces.extend(writer.finish());
            assert_eq!(pieces, whole, "{octets}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_becomes_ascii_in_any_pieces(
            field in "(From|To|Subject|Content-Type|Content-Disposition|X-A|é)(: )(\\PC|[\r\n\t ;,<>@\"()=é你]){0,60}",
            noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
            octets in 1_usize..30,
        ) {
            let section = [field.as_bytes(), b"\r\n", &noise].concat();
            proptest::prop_assert!(header(&section).is_ascii());
            let mail = [section.as_slice(), b"\r\n\r\nb\xffdy"].concat();
            let structure = crate::parse(&mail);
            let run = |octets: usize| {
                let mut writer = SurrogateWriter::new(&structure);
                let mut out = Vec::new();
                for piece in mail.chunks(octets) {
                    out.extend_from_slice(&writer.push(piece));
                }
                out.extend(writer.finish());
                out
            };
            proptest::prop_assert_eq!(run(octets), run(mail.len()));
        }
    }

    #[test]
    fn a_header_beyond_the_limit_is_masked() {
        let mail = format!("Subject: {}\r\n\r\nbodé", "é".repeat(HEADER_OCTETS_MAX));
        let structure = crate::parse(mail.as_bytes());
        let mut writer = SurrogateWriter::new(&structure);
        let mut out = Vec::new();
        for piece in mail.as_bytes().chunks(64 << 10) {
            out.extend_from_slice(&writer.push(piece));
        }
        assert_eq!(out.len(), mail.len());
        let body = out.split_off(out.len() - 5);
        assert_eq!(body, "bodé".as_bytes());
        assert!(out.is_ascii() && out.ends_with(b"??\r\n\r\n"));
    }
}
