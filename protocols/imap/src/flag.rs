//! Flags of messages (RFC 9051 §2.3.2) as a client names them.

use hongyan_types::{Flag, FlagError, Keyword, SystemFlags};

use crate::parser::{Parsed, Parser, is_atom_char};
use crate::{Code, Refusal};

/// Flags as a client names them: system flags and keywords.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagList {
    /// System flags.
    pub system: SystemFlags,
    /// Keywords, as spelled, without repetition (in any case).
    pub keywords: Vec<Keyword>,
}

fn refusal(error: FlagError) -> Refusal {
    match error {
        FlagError::TooLong => Refusal::no(Code::Limit, "Keyword too long"),
        FlagError::UnknownSystemFlag => Refusal::bad("Unknown system flag"),
        FlagError::Empty | FlagError::Malformed => Refusal::bad("Expected a flag"),
    }
}

fn parse_flag(parser: &mut Parser<'_>) -> Parsed<Option<Flag>> {
    let text = parser.take_while(|byte| is_atom_char(byte) || byte == b'\\');
    // \Recent is the server's alone (RFC 3501 §2.3.2); clients that copy flags send it back.
    if text.eq_ignore_ascii_case(b"\\Recent") {
        return Ok(None);
    }
    let text = std::str::from_utf8(text).unwrap_or("");
    Flag::try_from(text).map(Some).map_err(refusal)
}

/// A keyword: `$Forwarded`, `Project-X`.
pub(crate) fn parse_keyword(parser: &mut Parser<'_>) -> Parsed<Keyword> {
    let text = std::str::from_utf8(parser.take_while(is_atom_char)).unwrap_or("");
    Keyword::try_from(text).map_err(refusal)
}

impl FlagList {
    fn add(&mut self, parser: &mut Parser<'_>) -> Parsed<()> {
        match parse_flag(parser)? {
            None => {}
            Some(Flag::System(flag)) => self.system = self.system.with(flag),
            Some(Flag::Keyword(keyword)) => {
                if self.keywords.len() >= parser.limits.flags_max {
                    return Err(Refusal::no(Code::Limit, "Too many flags"));
                }
                if !self.keywords.contains(&keyword) {
                    self.keywords.push(keyword);
                }
            }
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
