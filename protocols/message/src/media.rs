//! Structured values of MIME header fields: media types, dispositions and their parameters (RFC 2045 §5.1, RFC 2183),
//! with continuations and charsets (RFC 2231).

use crate::structure::{Disposition, Encoding, MediaType, Parameter};
use crate::{charset, transfer};

/// Parameters of one field that are read.
pub const PARAMETERS_MAX: usize = 64;
/// The longest word of a media type; a longer one is no media type.
pub const TOKEN_OCTETS_MAX: usize = 127;

/// Reads the value of `Content-Type`. `None` when it names no type (RFC 2045 §5.2 then says `text/plain`).
#[must_use]
pub fn media_type(value: &str) -> Option<MediaType> {
    let (head, params) = split_head(value);
    let (kind, subtype) = head.split_once('/')?;
    let (kind, subtype) = (token(kind)?, token(subtype)?);
    Some(MediaType {
        kind,
        subtype,
        params: parameters(params),
    })
}

/// Reads the value of `Content-Type`; what names no type is `text/plain` with the parameters that are there.
#[must_use]
pub fn media_type_or_text(value: &str) -> MediaType {
    media_type(value).unwrap_or_else(|| MediaType {
        params: parameters(split_head(value).1),
        ..MediaType::default()
    })
}

/// Reads the value of `Content-Disposition`.
#[must_use]
pub fn disposition(value: &str) -> Option<Disposition> {
    let (head, params) = split_head(value);
    Some(Disposition {
        kind: token(head)?,
        params: parameters(params),
    })
}

/// Reads the value of `Content-Transfer-Encoding`.
#[must_use]
pub fn encoding(value: &str) -> Encoding {
    let word = token(value.split(';').next().unwrap_or("")).unwrap_or_default();
    match word.as_str() {
        "7bit" | "" => Encoding::SevenBit,
        "8bit" => Encoding::EightBit,
        "binary" => Encoding::Binary,
        "quoted-printable" => Encoding::QuotedPrintable,
        "base64" => Encoding::Base64,
        _ => Encoding::Other(word),
    }
}

/// Reads the value of `Content-Language` (RFC 3282).
#[must_use]
pub fn languages(value: &str) -> Vec<String> {
    value
        .split([',', ' ', '\t'])
        .filter_map(token)
        .take(PARAMETERS_MAX)
        .collect()
}

/// A parameter in the form that ASCII carries (RFC 2231 §4): `name` and the value, or `name*` and the value
/// percent-encoded as UTF-8.
#[must_use]
pub fn ascii_parameter(parameter: &Parameter) -> (String, String) {
    if parameter.value.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return (parameter.name.clone(), parameter.value.clone());
    }
    let mut value = String::from("utf-8''");
    for byte in parameter.value.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            use std::fmt::Write;
            // Writing to a string cannot fail.
            let _ = write!(value, "%{byte:02X}");
        }
    }
    (format!("{}*", parameter.name), value)
}

fn split_head(value: &str) -> (&str, &str) {
    value.split_once(';').unwrap_or((value, ""))
}

/// The first token in `text`, in lower case; what follows it is dropped.
fn token(text: &str) -> Option<String> {
    let text = skip_comments(text);
    let end = text.find(|c: char| !is_token_char(c)).unwrap_or(text.len());
    let word = text.get(..end)?;
    (!word.is_empty() && word.len() <= TOKEN_OCTETS_MAX).then(|| word.to_ascii_lowercase())
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c)
}

fn skip_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(inner) = rest.strip_prefix('(') {
        rest = match inner.split_once(')') {
            Some((_, tail)) => tail.trim_start(),
            None => "",
        };
    }
    rest
}

/// A parameter as written: one piece of an RFC 2231 value, or a whole value.
struct Piece {
    name: String,
    /// The number of the continuation.
    section: Option<u32>,
    is_extended: bool,
    value: String,
}

fn parameters(text: &str) -> Vec<Parameter> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && pieces.len() < PARAMETERS_MAX {
        let (piece, tail) = read_piece(rest);
        pieces.extend(piece);
        rest = tail;
    }
    let mut params: Vec<Parameter> = Vec::with_capacity(pieces.len());
    for piece in &pieces {
        if params.iter().all(|param| param.name != piece.name) {
            params.push(Parameter {
                name: piece.name.clone(),
                value: join(&pieces, &piece.name),
            });
        }
    }
    params
}

/// Reads up to the next `;` outside of quotes.
fn read_piece(text: &str) -> (Option<Piece>, &str) {
    let text = text.trim_start();
    let end = text.find(['=', ';']).unwrap_or(text.len());
    let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let Some(after) = after.strip_prefix('=') else {
        return (None, after.strip_prefix(';').unwrap_or(""));
    };
    let (value, rest) = read_value(after.trim_start());
    let name = skip_comments(name).trim().to_ascii_lowercase();
    if name.is_empty() || name.len() > TOKEN_OCTETS_MAX || !name.chars().all(is_token_char) {
        return (None, rest);
    }
    let (name, is_extended) = match name.strip_suffix('*') {
        Some(base) => (base.to_owned(), true),
        None => (name, false),
    };
    let (name, section) = match name.split_once('*') {
        Some((base, number)) => match number.parse::<u32>() {
            Ok(number) => (base.to_owned(), Some(number)),
            Err(_) => (name, None),
        },
        None => (name, None),
    };
    let piece = Piece {
        name,
        section,
        is_extended,
        value,
    };
    let is_name = !piece.name.is_empty() && !piece.name.contains('*');
    (is_name.then_some(piece), rest)
}

fn read_value(text: &str) -> (String, &str) {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (raw, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        // RFC 2045 §5.1 has a comment after `charset=us-ascii`.
        let raw = raw.split_once(" (").map_or(raw, |(value, _)| value);
        return (raw.trim().to_owned(), rest.strip_prefix(';').unwrap_or(""));
    };
    let mut value = String::new();
    let mut chars = inner.char_indices();
    let mut rest = "";
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                rest = inner.get(at.saturating_add(1)..).unwrap_or("");
                break;
            }
            // Only what needs it is unescaped: Windows senders write paths with plain backslashes.
            '\\' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                Some((_, c)) => value.extend(['\\', c]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    let rest = rest.split_once(';').map_or("", |(_, tail)| tail);
    (value, rest)
}

/// The value of `name` out of its pieces.
fn join(pieces: &[Piece], name: &str) -> String {
    let of_name = || pieces.iter().filter(|piece| piece.name == name);
    // RFC 2231 §4: the extended form wins over the plain one, which is there for old readers.
    if let Some(piece) = of_name().find(|piece| piece.section.is_none() && piece.is_extended) {
        return decode_extended(&piece.value);
    }
    if let Some(piece) = of_name().find(|piece| piece.section.is_none())
        && of_name().all(|piece| piece.section.is_none())
    {
        return piece.value.clone();
    }
    let mut sections: Vec<&Piece> = of_name().filter(|piece| piece.section.is_some()).collect();
    sections.sort_by_key(|piece| piece.section);
    sections.dedup_by_key(|piece| piece.section);
    let mut bytes = Vec::new();
    let mut label: Option<String> = None;
    for (at, piece) in sections.into_iter().enumerate() {
        if piece.section != u32::try_from(at).ok() {
            break;
        }
        let mut text = piece.value.as_str();
        if at == 0 && piece.is_extended {
            let (charset, rest) = split_charset(text);
            label = charset.map(str::to_owned);
            text = rest;
        }
        if piece.is_extended {
            percent_decode(text, &mut bytes);
        } else {
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    charset::decode(label.as_deref(), &bytes)
}

fn decode_extended(value: &str) -> String {
    let (label, text) = split_charset(value);
    let mut bytes = Vec::with_capacity(text.len());
    percent_decode(text, &mut bytes);
    charset::decode(label, &bytes)
}

fn split_charset(value: &str) -> (Option<&str>, &str) {
    let mut fields = value.splitn(3, '\'');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(label), Some(_), Some(text)) => ((!label.is_empty()).then_some(label), text),
        _ => (None, value),
    }
}

fn percent_decode(text: &str, out: &mut Vec<u8>) {
    let mut bytes = text.as_bytes();
    while let Some((first, tail)) = bytes.split_first() {
        bytes = tail;
        if *first == b'%'
            && let Some(([high, low], after)) = tail.split_first_chunk::<2>()
            && let (Some(high), Some(low)) = (transfer::hex_value(*high), transfer::hex_value(*low))
        {
            out.push(high << 4 | low);
            bytes = after;
        } else {
            out.push(*first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: &str, expect: &str) {
        let got = media_type(value).map_or("-".to_owned(), |media| {
            let params: String = media
                .params
                .iter()
                .map(|p| format!(";{}={}", p.name, p.value))
                .collect();
            format!("{}/{}{params}", media.kind, media.subtype)
        });
        assert_eq!(got, expect, "{value}");
    }

    #[test]
    fn reads_media_types() {
        check("Text/HTML; Charset=\"UTF-8\"", "text/html;charset=UTF-8");
        check(
            "text/plain; charset=us-ascii (Plain text)",
            "text/plain;charset=us-ascii",
        );
        check("image/png name=x.png", "image/png");
        check("image/png; name=a b.png", "image/png;name=a b.png");
        check(
            "multipart/mixed; boundary=\"a;b\\\"c\"; x",
            "multipart/mixed;boundary=a;b\"c",
        );
        check("a/b; n=\"C:\\dir\\f.txt\"", "a/b;n=C:\\dir\\f.txt");
        check("text", "-");
        check("text/", "-");
        check("/", "-");
        check("", "-");
        check("a/b;;; =x; c = d ;", "a/b;c=d");
        check("a/b; n=\"unclosed", "a/b;n=unclosed");
    }

    #[test]
    fn joins_rfc_2231() {
        check("a/b; title*=us-ascii'en-us'This%20is%20%2A", "a/b;title=This is *");
        check(
            "a/b; url*0=\"ftp://\"; url*1=\"cs.utk.edu\"",
            "a/b;url=ftp://cs.utk.edu",
        );
        check(
            "a/b; t*1*=%2a%2a; t*0*=us-ascii'en'x%20; t*2=\" it's\"",
            "a/b;t=x ** it's",
        );
        check("a/b; f*=gb2312''%D6%D0%CE%C4.txt; f=x", "a/b;f=中文.txt");
        check("a/b; f*0*=utf-8''%E4%BD; f*1*=%A0", "a/b;f=你");
        check("a/b; f*0=x; f*2=y", "a/b;f=x");
        check("a/b; *=x; **=y", "a/b");
    }

    #[test]
    fn writes_ascii_parameters() {
        let param = Parameter {
            name: "filename".into(),
            value: "中 a.txt".into(),
        };
        assert_eq!(
            ascii_parameter(&param),
            ("filename*".into(), "utf-8''%E4%B8%AD%20a.txt".into())
        );
    }

    #[test]
    fn reads_encodings() {
        assert_eq!(encoding(" BASE64 "), Encoding::Base64);
        assert_eq!(encoding("quoted-printable; x"), Encoding::QuotedPrintable);
        assert_eq!(encoding("x-uuencode"), Encoding::Other("x-uuencode".into()));
        assert_eq!(encoding(""), Encoding::SevenBit);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-c/;=*'%\"\\\\ 0-2()\u{e9}]{0,60}") {
            let _ = media_type(&format!("a/b;{text}"));
            let _ = media_type(&text);
            let _ = disposition(&text);
        }
    }
}
