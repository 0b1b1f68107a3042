//! RENAME (RFC 9051 §6.3.6): `"RENAME" SP mailbox SP mailbox`.

use crate::MailboxName;
use crate::parser::{Parsed, Parser};

/// A new name for a mailbox and all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The name it has.
    pub from: MailboxName,
    /// The name it gets.
    pub to: MailboxName,
}

impl Rename {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let from = MailboxName::parse(parser)?;
        parser.space()?;
        let to = MailboxName::parse(parser)?;
        Ok(Self { from, to })
    }
}
