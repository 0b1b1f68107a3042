//! Header fields in bytes: found, unfolded, decoded (RFC 5322 §2.2). Works on a header section that is at hand, as
//! BODY[HEADER.FIELDS] and SEARCH HEADER need it.

use crate::{charset, words};
use std::borrow::Cow;

/// A header field where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, as written.
    pub name: &'a [u8],
    /// All of it: name, colon, value, line ends.
    pub raw: &'a [u8],
    /// What follows the colon, with folding and the last line end.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether its name is `name`; case does not matter.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value in UTF-8: unfolded, trimmed, 8-bit text by its likely charset, encoded words decoded.
    #[must_use]
    pub fn text(&self) -> String {
        words::decode(&unfold(self.value)).into_owned()
    }
}

/// The fields of a header section in order. Stops at the blank line; lines that are no field are passed over.
pub fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() || is_blank_line(rest) {
                return None;
            }
            let end = field_end(rest);
            let (raw, tail) = rest.split_at_checked(end)?;
            rest = tail;
            if let Some((name, value)) = split_field(raw) {
                return Some(Field { name, raw, value });
            }
        }
    })
}

/// The first field of that name.
#[must_use]
pub fn find<'a>(header: &'a [u8], name: &str) -> Option<Field<'a>> {
    fields(header).find(|field| field.is(name))
}

/// Octets of the header section at the start of `message`, with its blank line; all of it when there is none.
#[must_use]
pub fn octets(message: &[u8]) -> usize {
    let mut at: usize = 0;
    loop {
        let rest = message.get(at..).unwrap_or(&[]);
        let line = line_octets(rest);
        at = at.saturating_add(line);
        if line == 0 || is_blank_line(rest) {
            return at;
        }
    }
}

/// The value without folding, line ends, NUL and outer white space, in UTF-8; encoded words stay.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, str> {
    let value = value.trim_ascii();
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        return charset::header_text(value);
    }
    let mut joined = Vec::with_capacity(value.len());
    for (at, byte) in value.iter().enumerate() {
        match byte {
            b'\n' | 0 => {}
            // A CR that ends no line separates like white space.
            b'\r' if value.get(at.saturating_add(1)) == Some(&b'\n') => {}
            b'\r' => joined.push(b' '),
            byte => joined.push(*byte),
        }
    }
    Cow::Owned(charset::header_text(&joined).into_owned())
}

/// The name and the value of a field; `None` for a line that is none. White space before the colon is allowed
/// (RFC 5322 §4.5).
pub(crate) fn split_field(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', raw)?;
    let (name, value) = raw.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let is_name = name.iter().all(|b| matches!(b, 33..=126));
    Some((name, value.get(1..)?)).filter(|_| is_name)
}

pub(crate) fn is_blank_line(text: &[u8]) -> bool {
    text.starts_with(b"\n") || text.starts_with(b"\r\n")
}

fn line_octets(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1))
}

/// Where the field at the start of `text` ends: before the next line that does not begin with white space.
pub(crate) fn field_end(text: &[u8]) -> usize {
    let mut at = line_octets(text);
    while matches!(text.get(at), Some(b' ' | b'\t')) {
        let line = line_octets(text.get(at..).unwrap_or(&[]));
        at = at.saturating_add(line);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"From x y\r\nSubject: =?utf-8?q?a=C3=A9?=\r\n\tb\r\nX-Empty:\r\nto : c@d\r\nnonsense\r\n\r\nBody: no\r\n";

    #[test]
    fn finds_fields() {
        let names: Vec<_> = fields(HEADER)
            .map(|f| String::from_utf8_lossy(f.name).into_owned())
            .collect();
        assert_eq!(names, ["Subject", "X-Empty", "to"]);
        let subject = find(HEADER, "SUBJECT").unwrap();
        assert_eq!(subject.text(), "aé\tb");
        assert_eq!(subject.raw, b"Subject: =?utf-8?q?a=C3=A9?=\r\n\tb\r\n");
        assert_eq!(find(HEADER, "body"), None);
        assert_eq!(octets(HEADER), HEADER.len() - 10);
        assert_eq!(octets(b"A: b"), 4);
        assert_eq!(octets(b"\nx"), 1);
    }

    #[test]
    fn reads_eight_bit_values() {
        assert_eq!(unfold("  é \r\n".as_bytes()), "é");
        assert_eq!(unfold(b"a\0b\rc"), "ab c");
        assert_eq!(
            unfold(b"\xd6\xd0\xb9\xfa\xc8\xcb\xc3\xf1\xd2\xf8\xd0\xd0\xd5\xcb\xb5\xa5"),
            "中国人民银行账单"
        );
    }
}
