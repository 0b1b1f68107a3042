//! REPLACE and UID REPLACE (RFC 8508 §3): `"REPLACE" SP seq-number SP mailbox append-message`.

use crate::input::LiteralHead;
use crate::parser::{Parsed, Parser};
use crate::{MailboxName, Refusal};

use super::append::{AppendMessage, Start};

/// Stores a message in place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// `number` is a UID.
    pub uid: bool,
    /// Which message goes; `None` is `*`.
    pub number: Option<u32>,
    /// Where the new one is stored.
    pub mailbox: MailboxName,
    /// The new one.
    pub message: AppendMessage,
}

impl Replace {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool, literal: LiteralHead) -> Parsed<Start> {
        let number = if parser.skip(b'*') {
            None
        } else {
            Some(parser.non_zero()?)
        };
        parser.space()?;
        if parser.is_empty() {
            return Ok(Start::NotMessage);
        }
        let mailbox = MailboxName::parse(parser)?;
        parser.space()?;
        let message = AppendMessage::parse(parser, literal)?;
        if message.octets == 0 {
            return Err(Refusal::bad("Message is empty"));
        }
        Ok(Start::Replace(Self {
            uid,
            number,
            mailbox,
            message,
        }))
    }
}
