//! The part of an address before the `@` (RFC 5321 §4.1.2, RFC 6531 §3.3).
//!
//! Kept without quotes and in NFC; [`LocalPart::key`] is the form under which addresses are compared. `Display` writes
//! the wire form and quotes only where it must.

use std::borrow::Cow;
use std::fmt;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The longest local part in octets.
///
/// Departs from RFC 5321 §4.5.3.1.1 (64): senders of lists and shops use longer ones, and §4.5.3.1 asks to accept them.
pub const LOCAL_PART_OCTETS_MAX: usize = 255;

/// Why a text is no local part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocalPartError {
    /// Nothing there.
    #[error("the local part is empty")]
    Empty,
    /// Longer than [`LOCAL_PART_OCTETS_MAX`].
    #[error("the local part is too long")]
    TooLong,
    /// A character that must not be there, or quotes that do not match.
    #[error("the local part is malformed")]
    Malformed,
}

/// A local part: NFC text without its quotes, never empty, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart(Box<str>);

impl LocalPart {
    /// The text without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which two local parts are one: case-folded NFC.
    #[must_use]
    pub fn key(&self) -> String {
        if self.0.is_ascii() {
            self.0.to_ascii_lowercase()
        } else {
            self.0.to_lowercase().nfc().collect()
        }
    }

    /// The local part of the mailbox and the detail after `separator` (RFC 5233 §1), when there is one.
    #[must_use]
    pub fn split_detail(&self, separator: char) -> (Self, Option<&str>) {
        match self.0.split_once(separator) {
            Some((user, detail)) if !user.is_empty() => (Self(user.into()), Some(detail)),
            _ => (self.clone(), None),
        }
    }

    /// Whether any character is outside ASCII, so that only SMTPUTF8 can carry it.
    #[must_use]
    pub fn is_internationalized(&self) -> bool {
        !self.0.is_ascii()
    }

    /// A local part from text that carries no quoting.
    ///
    /// # Errors
    /// When it is empty, too long, or has control characters.
    pub fn from_unquoted(text: &str) -> Result<Self, LocalPartError> {
        if text.is_empty() {
            return Err(LocalPartError::Empty);
        }
        if text.len() > LOCAL_PART_OCTETS_MAX {
            return Err(LocalPartError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(LocalPartError::Malformed);
        }
        let text: Cow<'_, str> = if is_nfc(text) {
            text.into()
        } else {
            text.nfc().collect::<String>().into()
        };
        if text.len() > LOCAL_PART_OCTETS_MAX {
            return Err(LocalPartError::TooLong);
        }
        Ok(Self(text.into()))
    }

    fn from_quoted(inner: &str) -> Result<Self, LocalPartError> {
        let mut text = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => return Err(LocalPartError::Malformed),
                '\\' => text.push(chars.next().ok_or(LocalPartError::Malformed)?),
                c => text.push(c),
            }
        }
        Self::from_unquoted(&text)
    }
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn is_dot_string(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

impl TryFrom<&str> for LocalPart {
    type Error = LocalPartError;

    /// Reads the wire form: dot-string or quoted-string.
    fn try_from(text: &str) -> Result<Self, LocalPartError> {
        if text.len() > LOCAL_PART_OCTETS_MAX * 2 + 2 {
            return Err(LocalPartError::TooLong);
        }
        if let Some(rest) = text.strip_prefix('"') {
            return Self::from_quoted(rest.strip_suffix('"').ok_or(LocalPartError::Malformed)?);
        }
        if text.is_empty() {
            return Err(LocalPartError::Empty);
        }
        // Departs from RFC 5321 §4.1.2: stray dots are taken, as mobile carriers hand out such addresses.
        if !text.chars().all(|c| is_atext(c) || c == '.') {
            return Err(LocalPartError::Malformed);
        }
        Self::from_unquoted(text)
    }
}

impl std::str::FromStr for LocalPart {
    type Err = LocalPartError;
    fn from_str(text: &str) -> Result<Self, LocalPartError> {
        Self::try_from(text)
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        if is_dot_string(&self.0) {
            return f.write_str(&self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Result<(&str, &str, &str), LocalPartError>) {
        let got = LocalPart::try_from(input).map(|local| (local.as_str().to_owned(), local.key(), local.to_string()));
        let expect = expect.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(got, expect, "{input}");
    }

    #[test]
    fn reads_and_writes_the_wire_form() {
        check("User.Name", Ok(("User.Name", "user.name", "User.Name")));
        check("\"user\"", Ok(("user", "user", "user")));
        check("\"a b\\\"c\"", Ok(("a b\"c", "a b\"c", "\"a b\\\"c\"")));
        check("\"a@b\"", Ok(("a@b", "a@b", "\"a@b\"")));
        check("a..b", Ok(("a..b", "a..b", "\"a..b\"")));
        check("Straße", Ok(("Straße", "straße", "Straße")));
        check("e\u{301}", Ok(("é", "é", "é")));
        check("ΑΣ", Ok(("ΑΣ", "ας", "ΑΣ")));
        check("用户", Ok(("用户", "用户", "用户")));
    }

    #[test]
    fn refuses_what_is_no_local_part() {
        check("", Err(LocalPartError::Empty));
        check("\"\"", Err(LocalPartError::Empty));
        check("a b", Err(LocalPartError::Malformed));
        check("a<b", Err(LocalPartError::Malformed));
        check("\"a", Err(LocalPartError::Malformed));
        check("\"a\"b\"", Err(LocalPartError::Malformed));
        check("\"a\\\"", Err(LocalPartError::Malformed));
        check("a\u{85}", Err(LocalPartError::Malformed));
        check(&"a".repeat(256), Err(LocalPartError::TooLong));
    }

    #[test]
    fn splits_the_detail() {
        let local = LocalPart::try_from("anna+lists+rust").unwrap();
        let (user, detail) = local.split_detail('+');
        assert_eq!((user.as_str(), detail), ("anna", Some("lists+rust")));
        let local = LocalPart::try_from("+anna").unwrap();
        assert_eq!(local.split_detail('+').1, None);
    }
}
