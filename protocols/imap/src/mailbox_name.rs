//! Mailbox names: UTF-8 inside, modified UTF-7 (RFC 3501 §5.1.3) on the wire for clients that did not enable UTF-8.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::parser::{Parsed, Parser};
use crate::{Code, Refusal};

/// RFC 3501 §5.1.3: base64 with "," instead of "/" and no padding.
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

fn engine() -> Option<GeneralPurpose> {
    let alphabet = base64::alphabet::Alphabet::new(ALPHABET).ok()?;
    Some(GeneralPurpose::new(&alphabet, CONFIG))
}

/// A valid mailbox name: UTF-8, not empty, no control characters; INBOX in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(String);

/// Why a name is no mailbox name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailboxNameError {
    /// Nothing in it.
    #[error("mailbox name is empty")]
    Empty,
    /// NUL, another control character, or a line break.
    #[error("mailbox name has a control character")]
    Control,
    /// Neither UTF-8 nor modified UTF-7.
    #[error("mailbox name is not validly encoded")]
    Encoding,
    /// Longer than the limit.
    #[error("mailbox name is too long")]
    TooLong,
}

impl MailboxName {
    /// The name, in UTF-8.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a name as a client sent it; `utf8` says whether it enabled UTF-8 names.
    ///
    /// # Errors
    /// When the octets are no valid name.
    pub fn from_wire(octets: &[u8], utf8: bool, octets_max: usize) -> Result<Self, MailboxNameError> {
        let name = decode(octets, utf8)?;
        if name.len() > octets_max {
            return Err(MailboxNameError::TooLong);
        }
        Self::try_from(name)
    }

    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let octets = parser.astring()?;
        Self::from_wire(&octets, parser.utf8, parser.limits.mailbox_name_octets_max).map_err(refusal)
    }
}

fn refusal(error: MailboxNameError) -> Refusal {
    match error {
        MailboxNameError::Empty => Refusal::no(Code::Cannot, "Mailbox name is empty"),
        MailboxNameError::Control => Refusal::no(Code::Cannot, "Mailbox name has a control character"),
        MailboxNameError::Encoding => Refusal::no(Code::Cannot, "Mailbox name is not validly encoded"),
        MailboxNameError::TooLong => Refusal::no(Code::Limit, "Mailbox name is too long"),
    }
}

impl TryFrom<String> for MailboxName {
    type Error = MailboxNameError;
    fn try_from(mut name: String) -> Result<Self, MailboxNameError> {
        if name.is_empty() {
            return Err(MailboxNameError::Empty);
        }
        if name.chars().any(char::is_control) {
            return Err(MailboxNameError::Control);
        }
        // RFC 9051 §5.1: INBOX is the same in any case; so is it as the parent of others.
        let (head, rest) = name.split_at_checked(5).unwrap_or(("", ""));
        if head.eq_ignore_ascii_case("INBOX") && (rest.is_empty() || rest.starts_with('/')) {
            name = format!("INBOX{rest}");
        }
        Ok(Self(name))
    }
}

fn decode(octets: &[u8], utf8: bool) -> Result<String, MailboxNameError> {
    let text = std::str::from_utf8(octets).map_err(|_| MailboxNameError::Encoding)?;
    // A client that sends UTF-8 without having enabled it means UTF-8: there is no other reading.
    if utf8 || !text.is_ascii() {
        return Ok(text.to_owned());
    }
    decode_utf7(text).ok_or(MailboxNameError::Encoding)
}

/// Reads a LIST pattern: like a name, but anything may be empty and wildcards stay.
pub(crate) fn decode_pattern(octets: &[u8], utf8: bool) -> Parsed<String> {
    decode(octets, utf8).map_err(refusal)
}

/// Modified UTF-7 to UTF-8; `None` unless `text` is exactly what [`encode_utf7`] makes of the result.
#[must_use]
pub fn decode_utf7(text: &str) -> Option<String> {
    if !text.contains('&') {
        return text
            .bytes()
            .all(|byte| (0x20..0x7f).contains(&byte))
            .then(|| text.to_owned());
    }
    let engine = engine()?;
    let mut decoded = String::with_capacity(text.len());
    let mut pieces = text.split('&');
    decoded.push_str(pieces.next()?);
    for piece in pieces {
        let (shifted, plain) = piece.split_once('-')?;
        if shifted.is_empty() {
            decoded.push('&');
        } else {
            let bytes = engine.decode(shifted).ok()?;
            let (pairs, odd) = bytes.as_chunks::<2>();
            if !odd.is_empty() {
                return None;
            }
            for unit in char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair))) {
                decoded.push(unit.ok()?);
            }
        }
        decoded.push_str(plain);
    }
    // One spelling per name: what would not come back the same is refused.
    (encode_utf7(&decoded) == text).then_some(decoded)
}

/// UTF-8 to modified UTF-7.
#[must_use]
pub fn encode_utf7(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    let unshift = |encoded: &mut String, shifted: &mut Vec<u8>| {
        if !shifted.is_empty() {
            encoded.push('&');
            if let Some(engine) = engine() {
                engine.encode_string(&*shifted, encoded);
            }
            encoded.push('-');
            shifted.clear();
        }
    };
    for character in name.chars() {
        if (' '..='~').contains(&character) {
            unshift(&mut encoded, &mut shifted);
            encoded.push(character);
            if character == '&' {
                encoded.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    unshift(&mut encoded, &mut shifted);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_names() {
        for (utf7, utf8) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("A&-B", "A&B"),
            ("&2D3eAA-", "😀"),
        ] {
            assert_eq!(decode_utf7(utf7).as_deref(), Some(utf8));
            assert_eq!(encode_utf7(utf8), utf7);
        }
    }

    #[test]
    fn wrong_names() {
        for wrong in [
            "&",
            "&AA",
            "&Jjo!-",
            "&U,BTFw-&ZeVnLIqe-",
            "&AGEA-",
            "&AGE-",
            "&2D0-",
            "&AAAA-x&",
            "a\u{7f}",
            "&ZeVnLIq-",
        ] {
            assert_eq!(decode_utf7(wrong), None, "{wrong}");
        }
        assert_eq!(
            MailboxName::from_wire(b"a\0b", true, 100),
            Err(MailboxNameError::Control)
        );
        assert_eq!(
            MailboxName::from_wire(b"a\xff", true, 100),
            Err(MailboxNameError::Encoding)
        );
        assert_eq!(MailboxName::from_wire(b"inBox", false, 100).unwrap().as_str(), "INBOX");
        assert_eq!(
            MailboxName::from_wire(b"inBox/a", false, 100).unwrap().as_str(),
            "INBOX/a"
        );
        assert_eq!(
            MailboxName::from_wire(b"inBoxes", false, 100).unwrap().as_str(),
            "inBoxes"
        );
    }

    proptest! {
        #[test]
        fn any_name_survives(name in "\\PC*") {
            prop_assert_eq!(decode_utf7(&encode_utf7(&name)), Some(name));
        }
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,40}") {
            if let Some(name) = decode_utf7(&text) {
                prop_assert_eq!(encode_utf7(&name), text);
            }
        }
    }
}
