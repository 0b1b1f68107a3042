//! Flags of messages (RFC 9051 §2.3.2): the five system flags as bits, keywords by name.

use crate::parser::{Parsed, Parser, is_atom_char};
use crate::{Code, Refusal};

/// A set of system flags, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SystemFlags(pub u8);

impl SystemFlags {
    /// `\Answered`
    pub const ANSWERED: Self = Self(1);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(2);
    /// `\Deleted`
    pub const DELETED: Self = Self(4);
    /// `\Seen`
    pub const SEEN: Self = Self(8);
    /// `\Draft`
    pub const DRAFT: Self = Self(16);

    /// Every flag with its name on the wire.
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// Whether all flags of `other` are in this set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Flags as a client names them: system flags and keywords.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagList {
    /// System flags.
    pub system: SystemFlags,
    /// Keywords, as spelled, without repetition (in any case).
    pub keywords: Vec<String>,
}

/// A keyword: `$Forwarded`, `Project-X`.
pub(crate) fn parse_keyword(parser: &mut Parser<'_>) -> Parsed<String> {
    let keyword = parser.take_while(|byte| is_atom_char(byte) || byte == b']');
    if keyword.is_empty() {
        return Err(Refusal::bad("Expected a keyword"));
    }
    if keyword.len() > parser.limits.keyword_octets_max {
        return Err(Refusal::no(Code::Limit, "Keyword too long"));
    }
    String::from_utf8(keyword.to_vec()).map_err(|_| Refusal::bad("Expected a keyword"))
}

impl FlagList {
    fn add(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        if parser.skip(b'\\') {
            let name = parser.atom()?;
            let known = SystemFlags::NAMES.iter().find(|(_, known)| {
                known
                    .as_bytes()
                    .get(1..)
                    .is_some_and(|known| known.eq_ignore_ascii_case(name))
            });
            return match known {
                Some((flag, _)) => {
                    self.system = self.system.union(*flag);
                    Ok(())
                }
                // \Recent is the server's alone (RFC 3501 §2.3.2); clients that copy flags send it back.
                None if name.eq_ignore_ascii_case(b"Recent") => Ok(()),
                None => Err(Refusal::bad("Unknown system flag")),
            };
        }
        let keyword = parse_keyword(parser)?;
        if !self.keywords.iter().any(|known| known.eq_ignore_ascii_case(&keyword)) {
            if self.keywords.len() >= parser.limits.flags_max {
                return Err(Refusal::no(Code::Limit, "Too many flags"));
            }
            self.keywords.push(keyword);
        }
        Ok(())
    }

    /// `"(" [flag *(SP flag)] ")"`.
    pub(crate) fn parse_list(parser: &mut Parser<'_>) -> Parsed<Self> {
        let mut flags = Self::default();
        parser.list(|parser| flags.add(parser))?;
        Ok(flags)
    }

    /// A list with or without parentheses, as STORE allows.
    pub(crate) fn parse_list_or_plain(parser: &mut Parser<'_>) -> Parsed<Self> {
        if parser.peek() == Some(b'(') {
            return Self::parse_list(parser);
        }
        let mut flags = Self::default();
        loop {
            flags.add(parser)?;
            if !parser.skip(b' ') {
                return Ok(flags);
            }
        }
    }
}
