//! One mail transaction: from MAIL to the reply to the message.

use super::data::LineEnds;
use crate::command::{Body, Mail};
use crate::reply::Reply;

/// How the message comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intake {
    /// No message command yet.
    None,
    /// DATA.
    Data,
    /// BDAT.
    Bdat,
}

/// State of the transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) smtputf8: bool,
    pub(super) body: Body,
    pub(super) recipients: u32,
    pub(super) intake: Intake,
    /// Whether the caller was told of a message and not yet of its end.
    pub(super) open: bool,
    pub(super) octets: u64,
    pub(super) line_ends: LineEnds,
    /// Why the message will be refused once it has been read.
    pub(super) failed: Option<Reply>,
}

impl Transaction {
    pub(super) fn new(mail: &Mail) -> Self {
        Self {
            smtputf8: mail.smtputf8,
            body: mail.body,
            recipients: 0,
            intake: Intake::None,
            open: false,
            octets: 0,
            line_ends: LineEnds::default(),
            failed: None,
        }
    }
}
