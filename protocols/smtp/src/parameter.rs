//! Parameters after MAIL and RCPT (RFC 5321 §4.1.1.11) and their escaped texts (RFC 3461 §4).

/// `keyword[=value]` pairs separated by spaces; a keyword with characters it may not have ends in `Err`.
pub(crate) fn parameters(text: &str) -> impl Iterator<Item = Result<(&str, Option<&str>), ()>> {
    text.split(' ').filter(|word| !word.is_empty()).map(|word| {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let fine = keyword.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && keyword.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && value.is_none_or(|value| !value.is_empty() && !value.chars().any(char::is_control));
        if fine { Ok((keyword, value)) } else { Err(()) }
    })
}

/// `xtext` (RFC 3461 §4): `+hh` stands for an octet.
pub(crate) fn decode_xtext(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => {
                let high = hex(bytes.next()?)?;
                let low = hex(bytes.next()?)?;
                out.push(high << 4 | low);
            }
            b'!'..=b'~' if byte != b'=' => out.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(out)
        .ok()
        .filter(|text| !text.chars().any(char::is_control))
}

/// The inverse of [`decode_xtext`].
pub(crate) fn encode_xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if !matches!(byte, b'+' | b'=') => out.push(char::from(byte)),
            other => out.push_str(&format!("+{other:02X}")),
        }
    }
    out
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => byte.checked_sub(b'0'),
        b'A'..=b'F' => byte.checked_sub(b'A' - 10),
        _ => None,
    }
}

/// An address as RFC 6533 §3 writes it in ORCPT: `xtext`, or the `utf-8-addr-unitext` form sent as it is.
pub(crate) fn decode_address(address_type: &str, text: &str) -> Option<String> {
    if address_type.eq_ignore_ascii_case("utf-8") {
        return decode_utf8_address(text);
    }
    decode_xtext(text)
}

/// RFC 6533 §3: `\x{HEX}` stands for a code point.
fn decode_utf8_address(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("\\x{");
    out.push_str(parts.next()?);
    for part in parts {
        let (digits, rest) = part.split_once('}')?;
        out.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        out.push_str(rest);
    }
    Some(out).filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_both_ways() {
        for (plain, coded) in [("abc", "abc"), ("a+b=c d", "a+2Bb+3Dc+20d"), ("\u{e9}", "+C3+A9")] {
            assert_eq!(encode_xtext(plain), coded);
            assert_eq!(decode_xtext(coded).as_deref(), Some(plain));
        }
        for bad in ["+", "+2", "+2b", "a=b", "a b", "+0D+0A", "+FF", "\u{e9}"] {
            assert_eq!(decode_xtext(bad), None, "{bad}");
        }
    }

    #[test]
    fn utf8_addresses() {
        assert_eq!(
            decode_address("UTF-8", "\\x{7528}x@例.测").as_deref(),
            Some("用x@例.测")
        );
        assert_eq!(decode_address("utf-8", "\\x{zz}"), None);
    }

    #[test]
    fn splitting() {
        let all: Vec<_> = parameters(" SIZE=10  BODY=8BITMIME SMTPUTF8").collect();
        assert_eq!(
            all,
            [
                Ok(("SIZE", Some("10"))),
                Ok(("BODY", Some("8BITMIME"))),
                Ok(("SMTPUTF8", None))
            ]
        );
        assert_eq!(parameters("=x").next(), Some(Err(())));
        assert_eq!(parameters("A=").next(), Some(Err(())));
    }
}
