//! APPEND (RFC 9051 §6.3.12) with MULTIAPPEND (RFC 3502), BINARY (RFC 3516 §4.4) and UTF8 (RFC 9755 §4).
//!
//! `append = "APPEND" SP mailbox 1*append-message`, `append-message = [SP flag-list] [SP date-time] SP literal`.
//! Only what stands before the literal is parsed here; the message itself streams through the session.

use hongyan_types::Timestamp;

use crate::date::parse_date_time;
use crate::input::LiteralHead;
use crate::parser::{Parsed, Parser};
use crate::{FlagList, MailboxName, Refusal};

/// The command with its first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub mailbox: MailboxName,
    /// The first message.
    pub message: AppendMessage,
}

/// A message about to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMessage {
    /// Flags to store with it.
    pub flags: FlagList,
    /// Internal date; now when `None`.
    pub date: Option<Timestamp>,
    /// Length in octets; 0 means the client cancels (RFC 3502 §3).
    pub octets: u64,
    /// The message may hold NUL: it came as a literal8.
    pub binary: bool,
    /// The message came as `UTF8 (~{..})`.
    pub utf8: bool,
}

impl AppendMessage {
    /// Parses up to the end of `parser`, where `literal` begins. The space before is already taken.
    pub(crate) fn parse(parser: &mut Parser<'_>, literal: LiteralHead) -> Parsed<Self> {
        let mut flags = FlagList::default();
        let mut date = None;
        if parser.peek() == Some(b'(') {
            flags = FlagList::parse_list(parser)?;
            parser.space()?;
        }
        if parser.peek() == Some(b'"') {
            date = Some(parse_date_time(parser)?);
            parser.space()?;
        }
        let utf8 = parser.prefix("UTF8 (");
        if !parser.is_empty() || (utf8 && !literal.binary) {
            return Err(Refusal::bad("Expected a message literal"));
        }
        Ok(Self {
            flags,
            date,
            octets: literal.octets,
            binary: literal.binary,
            utf8,
        })
    }
}

/// The start of a command whose last literal may be a message.
pub(crate) enum Start {
    /// The literal is a message of APPEND.
    Append(Append),
    /// The literal is the message of REPLACE.
    Replace(super::replace::Replace),
    /// The literal belongs to something else: the mailbox name, or another command.
    NotMessage,
}

/// Looks whether the literal announced at the end of `line`, which starts after the tag, is a message.
pub(crate) fn recognise(line: &mut Parser<'_>, literal: LiteralHead) -> Parsed<Start> {
    if line.prefix("APPEND ") {
        if line.is_empty() {
            return Ok(Start::NotMessage);
        }
        let mailbox = MailboxName::parse(line)?;
        line.space()?;
        let message = AppendMessage::parse(line, literal)?;
        return Ok(Start::Append(Append { mailbox, message }));
    }
    let uid = line.prefix("UID REPLACE ");
    if uid || line.prefix("REPLACE ") {
        return super::replace::Replace::parse(line, uid, literal);
    }
    Ok(Start::NotMessage)
}
