//! ENABLE (RFC 9051 §6.3.1): `"ENABLE" 1*(SP capability)`. Unknown names are ignored, as the RFC wants.

use crate::Extension;
use crate::parser::{Parsed, Parser};

/// What the client switches on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enable {
    /// The names we know.
    pub extensions: Vec<Extension>,
}

impl Enable {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let mut extensions = Vec::new();
        parser.space()?;
        loop {
            let name = parser.atom_str()?;
            let known = Extension::NAMES
                .iter()
                .find(|(_, known)| known.eq_ignore_ascii_case(name));
            if let Some((extension, _)) = known
                && !extensions.contains(extension)
            {
                extensions.push(*extension);
            }
            if !parser.skip(b' ') || parser.is_empty() {
                return Ok(Self { extensions });
            }
        }
    }
}
