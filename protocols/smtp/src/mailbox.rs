//! Mailboxes and paths of the envelope (RFC 5321 §4.1.2, RFC 6531 §3.3). What a name means, its normal form and
//! whether it exists is not known here.

use std::fmt;

/// Longest path between its brackets. RFC 5321 §4.5.3.1.3 asks for 256; generated senders are longer.
const PATH_OCTETS_MAX: usize = 512;
/// Longest domain (RFC 5321 §4.5.3.1.2).
const DOMAIN_OCTETS_MAX: usize = 255;

/// `local-part@domain`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// Local part without quoting.
    pub local_part: String,
    /// Where it lives.
    pub host: Host,
}

/// What stands right of the `@`, or after EHLO.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A domain name as sent.
    Name(String),
    /// An address literal, without its brackets.
    Literal(String),
}

/// Where a message is to go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain (RFC 5321 §4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

impl Mailbox {
    /// Parses `local-part@domain` without brackets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > PATH_OCTETS_MAX {
            return None;
        }
        let (local_part, rest) = local_part(text)?;
        let host = Host::parse(rest.strip_prefix('@')?)?;
        Some(Self { local_part, host })
    }

    /// Whether SMTPUTF8 is not needed to name it.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local_part.is_ascii() && self.host.as_str().is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local_part) {
            write!(f, "{}@{}", self.local_part, self.host)
        } else {
            let quoted = self.local_part.replace('\\', "\\\\").replace('"', "\\\"");
            write!(f, "\"{quoted}\"@{}", self.host)
        }
    }
}

impl Host {
    /// Parses a domain or an address literal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('[') {
            let literal = literal.strip_suffix(']')?;
            let fine = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'[' | b']' | b'\\' | b'<' | b'>');
            return (!literal.is_empty() && literal.len() <= DOMAIN_OCTETS_MAX && literal.bytes().all(fine))
                .then(|| Self::Literal(literal.to_owned()));
        }
        is_domain(text).then(|| Self::Name(text.to_owned()))
    }

    /// The text without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Literal(text) => text,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Literal(literal) => write!(f, "[{literal}]"),
        }
    }
}

impl ForwardPath {
    /// Whether SMTPUTF8 is not needed to name it.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        match self {
            Self::Postmaster => true,
            Self::Mailbox(mailbox) => mailbox.is_ascii(),
        }
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("Postmaster"),
            Self::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

/// Splits `<path>` off the front of `text`; gives what is between the brackets, without a source route, and the rest.
pub(crate) fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let mut quoted = false;
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return true,
            _ => {}
        }
        false
    })?;
    let (path, rest) = (inner.get(..end)?, inner.get(end.checked_add(1)?..)?);
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    // RFC 5321 §4.1.1.3, appendix C: a source route is accepted and ignored.
    let path = if path.starts_with('@') {
        path.split_once(':')?.1
    } else {
        path
    };
    Some((path, rest.trim_matches(' ')))
}

fn local_part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('@')?;
        let (local, rest) = (text.get(..end)?, text.get(end..)?);
        return is_dot_string(local).then(|| (local.to_owned(), rest));
    };
    let mut local = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        let character = match character {
            '"' => {
                let rest = quoted.get(at.checked_add(1)?..)?;
                return (!local.is_empty()).then_some((local, rest));
            }
            '\\' => characters.next()?.1,
            other => other,
        };
        if character.is_control() {
            return None;
        }
        local.push(character);
    }
    None
}

fn is_dot_string(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|atom| {
            !atom.is_empty()
                && atom.chars().all(|character| {
                    character.is_ascii_alphanumeric()
                        || "!#$%&'*+-/=?^_`{|}~".contains(character)
                        || (!character.is_ascii() && !character.is_control())
                })
        })
}

/// Letters, digits, hyphens and, as found in the wild, underscores; U-labels under SMTPUTF8.
fn is_domain(text: &str) -> bool {
    text.len() <= DOMAIN_OCTETS_MAX
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63 * 4
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|character| {
                    character.is_ascii_alphanumeric()
                        || matches!(character, '-' | '_')
                        || (!character.is_ascii() && !character.is_control() && !character.is_whitespace())
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_both_ways() {
        for (text, local_part) in [
            ("a@b", "a"),
            ("a.b+c@example.test", "a.b+c"),
            ("\"a b\"@example.test", "a b"),
            ("\"a\\\"\\\\@\"@example.test", "a\"\\@"),
            ("用户@例子.测试", "用户"),
            ("a@[192.0.2.1]", "a"),
            ("a@[IPv6:2001:db8::1]", "a"),
        ] {
            let mailbox = Mailbox::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(mailbox.local_part, local_part);
            assert_eq!(mailbox.to_string(), text);
        }
    }

    #[test]
    fn bad_mailboxes() {
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a..b@c",
            ".a@c",
            "a.@c",
            "a b@c",
            "a@b c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "\"\"@c",
            "\"a@c",
            "\"a\"b@c",
            "a@[",
            "a@[]",
            "a@[x",
            "a<@b",
            "a@b>",
            "\"a\n\"@c",
            "a\0@c",
            "a@b\u{85}",
        ] {
            assert_eq!(Mailbox::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn brackets() {
        let check = |text, expect| assert_eq!(bracketed(text), expect, "{text}");
        check("<>", Some(("", "")));
        check("<a@b> SIZE=1", Some(("a@b", "SIZE=1")));
        check("<@x,@y:a@b>", Some(("a@b", "")));
        check("<\"a>\\\"b\"@c> X", Some(("\"a>\\\"b\"@c", "X")));
        check("<a@b>X", None);
        check("a@b", None);
        check("<a@b", None);
        check("<@x>", None);
    }
}
