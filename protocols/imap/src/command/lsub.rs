//! LSUB (RFC 3501 §6.3.9): `"LSUB" SP mailbox SP list-mailbox`.

use crate::mailbox_name::decode_pattern;
use crate::parser::{Parsed, Parser};

/// Which subscribed names to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lsub {
    /// The reference name, in UTF-8.
    pub reference: String,
    /// Pattern with `*` and `%`, in UTF-8.
    pub pattern: String,
}

impl Lsub {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let reference = decode_pattern(&parser.astring()?, parser.utf8)?;
        parser.space()?;
        let pattern = super::list::pattern(parser)?;
        Ok(Self { reference, pattern })
    }
}
