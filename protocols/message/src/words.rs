//! Encoded words of header fields (RFC 2047), both ways.

use crate::charset;
use std::borrow::Cow;

/// The longest encoded word (RFC 2047 §2).
const WORD_OCTETS_MAX: usize = 75;

/// Decodes all encoded words in `text`; what is none stays. Neighbours of one charset are joined before decoding,
/// because senders cut inside of characters.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut open: Option<(&str, Vec<u8>)> = None;
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let word = read_word(from);
        // RFC 2047 §6.2: white space between encoded words is not shown.
        let is_joined = word.is_some() && open.is_some() && before.chars().all(char::is_whitespace);
        if !is_joined {
            close(&mut open, &mut out);
            out.push_str(before);
        }
        let Some(word) = word else {
            close(&mut open, &mut out);
            out.push_str("=?");
            rest = from.get(2..).unwrap_or("");
            continue;
        };
        match &mut open {
            Some((label, bytes)) if label.eq_ignore_ascii_case(word.label) => {
                bytes.extend_from_slice(&word.bytes);
            }
            _ => {
                close(&mut open, &mut out);
                open = Some((word.label, word.bytes));
            }
        }
        rest = word.rest;
    }
    close(&mut open, &mut out);
    out.push_str(rest);
    Cow::Owned(out)
}

fn close(open: &mut Option<(&str, Vec<u8>)>, out: &mut String) {
    if let Some((label, bytes)) = open.take() {
        let decoded = charset::decode(Some(label), &bytes);
        out.extend(
            decoded
                .chars()
                .map(|c| if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c }),
        );
    }
}

struct Word<'a> {
    label: &'a str,
    bytes: Vec<u8>,
    rest: &'a str,
}

fn read_word(text: &str) -> Option<Word<'_>> {
    let inner = text.strip_prefix("=?")?;
    let (label, inner) = inner.split_once('?')?;
    let (kind, inner) = inner.split_once('?')?;
    let (data, rest) = inner.split_once("?=")?;
    // RFC 2231 §5: a language may follow the charset.
    let label = label.split('*').next().unwrap_or(label);
    if label.is_empty() || label.len() > 40 || !label.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let bytes = match kind {
        "B" | "b" => crate::transfer::decode(&crate::Encoding::Base64, data.as_bytes()),
        "Q" | "q" => decode_q(data),
        _ => return None,
    };
    Some(Word { label, bytes, rest })
}

fn decode_q(data: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut bytes = data.as_bytes();
    while let Some((first, tail)) = bytes.split_first() {
        bytes = tail;
        match first {
            b'_' => out.push(b' '),
            b'=' => {
                let pair = tail.split_first_chunk::<2>().and_then(|([high, low], after)| {
                    let high = crate::transfer::hex_value(*high)?;
                    let low = crate::transfer::hex_value(*low)?;
                    Some((high << 4 | low, after))
                });
                match pair {
                    Some((byte, after)) => {
                        out.push(byte);
                        bytes = after;
                    }
                    None => out.push(b'='),
                }
            }
            byte => out.push(*byte),
        }
    }
    out
}

/// Encodes `text` so that ASCII carries it; text that is printable ASCII stays. Words are cut between characters and
/// joined by a space, so that a header writer can fold there.
#[must_use]
pub fn encode(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) && !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    use base64::Engine;
    const HEAD: &str = "=?utf-8?B?";
    let octets_max = (WORD_OCTETS_MAX - HEAD.len() - 2) / 4 * 3;
    let mut out = String::new();
    let mut piece = String::new();
    let flush = |piece: &mut String, out: &mut String| {
        if !piece.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(HEAD);
            out.push_str(&base64::engine::general_purpose::STANDARD.encode(piece.as_bytes()));
            out.push_str("?=");
            piece.clear();
        }
    };
    for c in text.chars() {
        if piece.len().saturating_add(c.len_utf8()) > octets_max {
            flush(&mut piece, &mut out);
        }
        piece.push(if c.is_control() { ' ' } else { c });
    }
    flush(&mut piece, &mut out);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(decode(text), expect, "{text}");
    }

    #[test]
    fn decodes_words() {
        check("plain", "plain");
        check("=?utf-8?q?J=C3=B6rg_M?= x", "Jörg M x");
        check("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab");
        check("=?ISO-8859-1?Q?a?= b", "a b");
        check("x =?utf-8*en?B?5L2g?= y", "x 你 y");
        check("=?gb2312?B?1tDOxA==?=", "中文");
        check("=?gb18030?B?1tA=?=\t=?GB18030?B?zsQ=?=", "中文");
        check("=?utf-8?B?5L0=?= =?utf-8?B?oA==?=", "你");
        check("=?big5?B?pKSk5Q==?=", "中文");
        check("\"=?utf-8?q?quoted?=\"", "\"quoted\"");
        check("=?utf-8?q?a b?=", "a b");
        check("=?utf-8?x?a?= =? =?= =?a?", "=?utf-8?x?a?= =? =?= =?a?");
        check("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本");
        check("=?utf-8?q?=0D=0AX:?=", "  X:");
    }

    #[test]
    fn encodes_words() {
        assert_eq!(encode("plain"), "plain");
        assert_eq!(encode("你好"), "=?utf-8?B?5L2g5aW9?=");
        assert!(
            encode(&"长".repeat(200))
                .split(' ')
                .all(|word| word.len() <= WORD_OCTETS_MAX)
        );
    }

    proptest! {
        #[test]
        fn encoded_text_decodes(text in "[^\\p{Cc}\u{feff}]{0,200}") {
            let encoded = encode(&text).into_owned();
            prop_assert_eq!(decode(&encoded), text.as_str());
        }
        #[test]
        fn never_panics(text in "[=?a-cqQbB_\u{e9} ]{0,60}") { let _ = decode(&text); }
    }
}
