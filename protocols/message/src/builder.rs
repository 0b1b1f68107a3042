//! Mail that the server writes itself: reports, notices. ASCII on the wire whatever the text, lines of at most 76
//! octets, CRLF, the same bytes for the same input: dates, ids and what must be unique come from the caller.

use crate::structure::Parameter;
use crate::{SentDate, media, words};
use base64::Engine;
use hongyan_types::Address;

const LINE_OCTETS_MAX: usize = 76;

/// A mail being written.
#[derive(Debug, Clone)]
pub struct Builder {
    fields: Vec<(String, String)>,
    body: Body,
}

/// A part of a mail being written.
#[derive(Debug, Clone)]
pub struct Body {
    kind: String,
    params: Vec<Parameter>,
    fields: Vec<(String, String)>,
    content: BodyContent,
}

#[derive(Debug, Clone)]
enum BodyContent {
    /// Encoded as it needs.
    Encoded(Vec<u8>),
    /// Written as it is; with CRLF line ends.
    Plain(Vec<u8>),
    Parts(Vec<Body>),
}

impl Body {
    /// Text of `kind`, such as `text/plain`, in UTF-8; line ends may be LF.
    #[must_use]
    pub fn text(kind: &str, text: &str) -> Self {
        let lines = with_crlf(text.as_bytes());
        Self::new(kind, BodyContent::Encoded(lines)).param("charset", "utf-8")
    }

    /// Bytes of any kind.
    #[must_use]
    pub fn bytes(kind: &str, bytes: &[u8]) -> Self {
        Self::new(kind, BodyContent::Encoded(bytes.to_vec()))
    }

    /// Bytes that must not be encoded: a message, its header, a delivery status (RFC 3464 §2.1). LF becomes CRLF; a
    /// part with 8-bit octets says so.
    #[must_use]
    pub fn plain(kind: &str, bytes: &[u8]) -> Self {
        Self::new(kind, BodyContent::Plain(with_crlf(bytes)))
    }

    /// A container, such as `multipart/report`.
    #[must_use]
    pub fn multipart(kind: &str, parts: Vec<Self>) -> Self {
        Self::new(kind, BodyContent::Parts(parts))
    }

    fn new(kind: &str, content: BodyContent) -> Self {
        Self {
            kind: kind.to_owned(),
            params: Vec::new(),
            fields: Vec::new(),
            content,
        }
    }

    /// With a parameter of its content type.
    #[must_use]
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.push(Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// With a header field of its own, such as `Content-Description`.
    #[must_use]
    pub fn field(mut self, name: &str, text: &str) -> Self {
        let value = words::encode(&one_line(text)).into_owned();
        self.fields.push((name.to_owned(), value));
        self
    }

    /// As an attachment of that name.
    #[must_use]
    pub fn attachment(mut self, file_name: &str) -> Self {
        let parameter = Parameter {
            name: "filename".to_owned(),
            value: one_line(file_name),
        };
        let value = format!("attachment{}", parameter_text(&parameter));
        self.fields.push(("Content-Disposition".to_owned(), value));
        self
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut content_type = self.kind.clone();
        for parameter in &self.params {
            content_type.push_str(&parameter_text(parameter));
        }
        for (name, value) in &self.fields {
            write_field(out, name, value);
        }
        match &self.content {
            BodyContent::Parts(parts) => {
                let inner: Vec<Vec<u8>> = parts.iter().map(Self::to_bytes).collect();
                let boundary = boundary_for(&inner);
                content_type.push_str(&format!("; boundary=\"{boundary}\""));
                write_field(out, "Content-Type", &content_type);
                out.extend_from_slice(b"\r\n");
                for part in inner {
                    out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    out.extend_from_slice(&part);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
            BodyContent::Plain(bytes) => {
                write_field(out, "Content-Type", &content_type);
                if !bytes.is_ascii() {
                    write_field(out, "Content-Transfer-Encoding", "8bit");
                }
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(bytes);
            }
            BodyContent::Encoded(bytes) => {
                write_field(out, "Content-Type", &content_type);
                write_encoded(out, bytes);
            }
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

impl Builder {
    /// A mail with that body and no fields but those of MIME.
    #[must_use]
    pub fn new(body: Body) -> Self {
        Self {
            fields: Vec::new(),
            body,
        }
    }

    /// With a text field; text outside of ASCII becomes encoded words.
    #[must_use]
    pub fn text_field(self, name: &str, text: &str) -> Self {
        let value = words::encode(&one_line(text)).into_owned();
        self.raw_field(name, &value)
    }

    /// With a structured field, whose value is ASCII and needs no encoding.
    #[must_use]
    pub fn raw_field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), one_line(value)));
        self
    }

    /// With an address field. An address with a UTF-8 local part makes the mail one for SMTPUTF8.
    #[must_use]
    pub fn address_field(self, name: &str, addresses: &[(Option<&str>, &Address)]) -> Self {
        let value: Vec<String> = addresses
            .iter()
            .map(|(display, address)| match display {
                Some(display) => format!("{} <{address}>", phrase(display)),
                None => format!("<{address}>"),
            })
            .collect();
        self.raw_field(name, &value.join(", "))
    }

    /// With `Date`.
    #[must_use]
    pub fn date(self, date: SentDate) -> Self {
        self.raw_field("Date", &date.to_string())
    }

    /// With `Message-ID`; `id` without angle brackets.
    #[must_use]
    pub fn message_id(self, id: &str) -> Self {
        self.raw_field("Message-ID", &format!("<{id}>"))
    }

    /// The bytes of the mail.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in &self.fields {
            write_field(&mut out, name, value);
        }
        write_field(&mut out, "MIME-Version", "1.0");
        self.body.write(&mut out);
        out
    }
}

/// Without line ends and other control characters, so that no field can smuggle another.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A display name as atoms, a quoted string or encoded words.
pub(crate) fn phrase(display: &str) -> String {
    let display = one_line(display);
    if !display.is_ascii() {
        return words::encode(&display).into_owned();
    }
    let is_atoms = display
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&b));
    if is_atoms && !display.contains("=?") && !display.trim().is_empty() {
        return display;
    }
    quoted(&display)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

pub(crate) fn parameter_text(parameter: &Parameter) -> String {
    let (name, value) = media::ascii_parameter(parameter);
    if name.ends_with('*') {
        format!("; {name}={value}")
    } else {
        format!("; {name}={}", quoted(&value))
    }
}

/// Writes a field, folded at spaces where a line would become too long.
pub(crate) fn write_field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = name.len().saturating_add(1);
    for word in value.split(' ').filter(|word| !word.is_empty()) {
        let octets = word.len().saturating_add(1);
        if column.saturating_add(octets) > LINE_OCTETS_MAX && column > name.len().saturating_add(1) {
            out.extend_from_slice(b"\r\n");
            column = 0;
        }
        out.push(b' ');
        out.extend_from_slice(word.as_bytes());
        column = column.saturating_add(octets);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_encoded(out: &mut Vec<u8>, bytes: &[u8]) {
    let is_plain = bytes
        .split(|b| *b == b'\n')
        .all(|line| line.len() <= LINE_OCTETS_MAX.saturating_add(2))
        && bytes.iter().all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
        && with_crlf(bytes) == bytes;
    if is_plain {
        write_field(out, "Content-Transfer-Encoding", "7bit");
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(bytes);
        return;
    }
    write_field(out, "Content-Transfer-Encoding", "base64");
    out.extend_from_slice(b"\r\n");
    for piece in bytes.chunks(LINE_OCTETS_MAX / 4 * 3) {
        let line = base64::engine::general_purpose::STANDARD.encode(piece);
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// Every LF, CR and CRLF as CRLF.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'\r' => {
                rest = tail.strip_prefix(b"\n").unwrap_or(tail);
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            byte => out.push(*byte),
        }
    }
    out
}

/// A boundary that none of the parts has in it. `=_` is in no quoted-printable or base64 text (RFC 2045 §6.7).
fn boundary_for(parts: &[Vec<u8>]) -> String {
    let mut number: u64 = 0;
    loop {
        let boundary = format!("=_part_{number}");
        let needle = boundary.as_bytes();
        if parts.iter().all(|part| memchr::memmem::find(part, needle).is_none()) {
            return boundary;
        }
        number = number.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Content;
    use proptest::prelude::*;

    fn report() -> Vec<u8> {
        let to = Address::try_from("anna@example.test").unwrap();
        Builder::new(
            Body::multipart(
                "multipart/report",
                vec![
                    Body::text("text/plain", "Nicht zugestellt: „x“\n"),
                    Body::plain("message/delivery-status", b"Reporting-MTA: dns; a\n\nAction: failed\n"),
                    Body::plain("message/rfc822", b"Subject: in\r\n\r\n--=_part_0\r\nbody\r\n"),
                    Body::bytes("application/octet-stream", &[0, 1, 2]).attachment("中.bin"),
                ],
            )
            .param("report-type", "delivery-status"),
        )
        .address_field("To", &[(Some("Anna, \"Lee\""), &to), (Some("李"), &to), (None, &to)])
        .text_field("Subject", "退信\r\nBcc: x@y.test")
        .date(crate::date::parse("Tue, 15 Nov 1994 08:12:31 +0000").unwrap())
        .message_id("1@example.test")
        .build()
    }

    #[test]
    fn what_it_writes_the_scanner_reads() {
        let bytes = report();
        let structure = crate::parse(&bytes);
        assert_eq!(structure.envelope.message_id.as_deref(), Some("<1@example.test>"));
        assert_eq!(
            words::decode(structure.envelope.subject.as_deref().unwrap()),
            "退信  Bcc: x@y.test"
        );
        assert!(structure.envelope.bcc.is_empty());
        assert_eq!(structure.envelope.to.len(), 3);
        let Content::Multipart(parts) = &structure.root.content else {
            panic!("no multipart");
        };
        assert_eq!(structure.root.media.param("report-type"), Some("delivery-status"));
        assert_eq!(structure.preview, "Nicht zugestellt: „x“");
        assert_eq!(parts[1].body_octets, 41);
        assert!(matches!(parts[2].content, Content::Message(_)));
        assert_eq!(parts[3].file_name(), Some("中.bin"));
        assert_eq!(parts[3].decoded_octets, 3);
    }

    #[test]
    fn lines_are_short_and_end_with_crlf() {
        let bytes = report();
        assert!(bytes.is_ascii());
        let text = String::from_utf8(bytes).unwrap();
        for line in text.split_inclusive('\n') {
            assert!(line.ends_with("\r\n") && line.len() <= 78, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "\\PC{0,300}", name in "[^\\p{Cc}\u{feff}]{1,60}") {
            let bytes = Builder::new(Body::text("text/plain", &text).attachment(&name)).build();
            let structure = crate::parse(&bytes);
            let start = structure.root.body_offset() as usize;
            prop_assert_eq!(crate::transfer::decode(&structure.root.encoding, &bytes[start..]), text.as_bytes());
            prop_assert_eq!(structure.root.file_name(), Some(name.as_str()));
        }
    }
}
