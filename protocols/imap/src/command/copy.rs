//! COPY and MOVE (RFC 9051 §6.4.7, §6.4.8): `"COPY" SP sequence-set SP mailbox`.

use crate::parser::{Parsed, Parser};
use crate::{MailboxName, SequenceSet};

/// Which messages go where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The set holds UIDs.
    pub uid: bool,
    /// Which.
    pub set: SequenceSet,
    /// Where.
    pub mailbox: MailboxName,
}

impl Copy {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool) -> Parsed<Self> {
        parser.space()?;
        let set = SequenceSet::parse(parser)?;
        parser.space()?;
        let mailbox = MailboxName::parse(parser)?;
        Ok(Self { uid, set, mailbox })
    }
}
