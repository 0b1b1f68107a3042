//! STATUS (RFC 9051 §6.3.11) with SIZE (RFC 8438), HIGHESTMODSEQ (RFC 7162), MAILBOXID (RFC 8474), APPENDLIMIT
//! (RFC 7889): `"STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`.

use crate::parser::{Parsed, Parser};
use crate::{MailboxName, Refusal};

/// Asks about a mailbox without selecting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Which.
    pub mailbox: MailboxName,
    /// What.
    pub items: StatusItems,
}

/// What to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusItems {
    /// MESSAGES
    pub messages: bool,
    /// RECENT
    pub recent: bool,
    /// UIDNEXT
    pub uid_next: bool,
    /// UIDVALIDITY
    pub uid_validity: bool,
    /// UNSEEN
    pub unseen: bool,
    /// DELETED
    pub deleted: bool,
    /// SIZE
    pub size: bool,
    /// HIGHESTMODSEQ
    pub highest_mod_seq: bool,
    /// MAILBOXID
    pub mailbox_id: bool,
    /// APPENDLIMIT
    pub append_limit: bool,
}

impl StatusItems {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let mut items = Self::default();
        parser.list(|parser| {
            match parser.atom_str()?.to_ascii_uppercase().as_str() {
                "MESSAGES" => items.messages = true,
                "RECENT" => items.recent = true,
                "UIDNEXT" => items.uid_next = true,
                "UIDVALIDITY" => items.uid_validity = true,
                "UNSEEN" => items.unseen = true,
                "DELETED" => items.deleted = true,
                "SIZE" => items.size = true,
                "HIGHESTMODSEQ" => items.highest_mod_seq = true,
                "MAILBOXID" => items.mailbox_id = true,
                "APPENDLIMIT" => items.append_limit = true,
                _ => return Err(Refusal::bad("Unknown status item")),
            }
            Ok(())
        })?;
        if items == Self::default() {
            return Err(Refusal::bad("Expected a status item"));
        }
        Ok(items)
    }
}

impl Status {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let mailbox = MailboxName::parse(parser)?;
        parser.space()?;
        let items = StatusItems::parse(parser)?;
        Ok(Self { mailbox, items })
    }
}
