//! LIST (RFC 1939 §5): sizes.

use std::fmt::Write as _;

use hongyan_mailbox::MessageEntry;
use hongyan_pop3::{MessageNumber, Reply};

use crate::maildrop::Maildrop;

/// The answer for one message.
pub(crate) fn one(maildrop: &Maildrop, number: MessageNumber) -> Reply {
    match maildrop.get(number) {
        Ok(entry) => Reply::Ok(format!("{number} {}", entry.octets.0)),
        Err(reply) => reply,
    }
}

/// Its line in the listing.
pub(crate) fn put_line(_: &Maildrop, number: MessageNumber, entry: &MessageEntry, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{number} {}\r\n", entry.octets.0);
}
