//! UIDL (RFC 1939 §7): names that last.

use std::fmt::Write as _;

use hongyan_mailbox::MessageEntry;
use hongyan_pop3::{MessageNumber, Reply};

use crate::maildrop::Maildrop;

/// The answer for one message.
pub(crate) fn one(maildrop: &Maildrop, number: MessageNumber) -> Reply {
    match maildrop.get(number) {
        Ok(entry) => Reply::Ok(format!("{number} {}", maildrop.unique_id(entry))),
        Err(reply) => reply,
    }
}

/// Its line in the listing.
pub(crate) fn put_line(maildrop: &Maildrop, number: MessageNumber, entry: &MessageEntry, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{number} {}\r\n", maildrop.unique_id(entry));
}
