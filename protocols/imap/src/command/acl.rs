//! The commands of RFC 4314 §3: `MYRIGHTS`, `GETACL` with a mailbox; `LISTRIGHTS`, `DELETEACL` with an identifier too;
//! `SETACL` with rights behind that.

use crate::MailboxName;
use crate::parser::{Parsed, Parser};

/// LISTRIGHTS: what someone may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRights {
    /// In which mailbox.
    pub mailbox: MailboxName,
    /// Who.
    pub identifier: String,
}

impl ListRights {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let mailbox = MailboxName::parse(parser)?;
        parser.space()?;
        let identifier = parser.astring_utf8()?;
        Ok(Self { mailbox, identifier })
    }
}

/// SETACL and DELETEACL, of which only the mailbox is kept: rights are not changed over IMAP here.
pub(crate) fn parse_change(parser: &mut Parser<'_>, with_rights: bool) -> Parsed<MailboxName> {
    let ListRights { mailbox, .. } = ListRights::parse(parser)?;
    if with_rights {
        parser.space()?;
        parser.astring_utf8()?;
    }
    Ok(mailbox)
}
