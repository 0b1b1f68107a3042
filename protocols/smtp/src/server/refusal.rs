//! What the session itself answers, where order or a limit is broken.

use crate::Enhanced;
use crate::Limits;
use crate::reply::Reply;

/// RFC 1870 §6.1: `octets` is what the client declared; without it, the message has passed the limit already.
pub(in crate::server) fn too_large(limits: &Limits, octets: Option<u64>) -> Reply {
    let (name, max) = (&limits.names.message_octets, limits.message_octets_max);
    let text = match octets {
        Some(octets) => format!("Message is too large: {name} is {max} octets and it has {octets}"),
        None => format!("Message is too large: {name} is {max} octets and it has more"),
    };
    Reply::new(552, Enhanced(5, 3, 4), text)
}

pub(in crate::server) fn too_many_recipients(limits: &Limits, recipients: u32) -> Reply {
    let (name, max) = (&limits.names.recipients, limits.recipients_max);
    let text = format!("{name} is {max} and {recipients} are taken, send to the rest in another message");
    Reply::new(452, Enhanced(4, 5, 3), text)
}

const fn order(text: &'static str) -> Reply {
    Reply::fixed(503, Enhanced(5, 5, 1), text)
}

pub(in crate::server) const HELLO_FIRST: Reply = order("Say EHLO first");
pub(in crate::server) const WRONG_HELLO: Reply =
    Reply::fixed(500, Enhanced(5, 5, 1), "LMTP is greeted with LHLO, SMTP with EHLO");
pub(in crate::server) const NESTED_MAIL: Reply = order("Sender already given");
pub(in crate::server) const MAIL_FIRST: Reply = order("Give MAIL first");
pub(in crate::server) const MESSAGE_BEGUN: Reply = order("The message has begun");
pub(in crate::server) const NO_RECIPIENTS: Reply = order("No valid recipients");
pub(in crate::server) const BINARY_NEEDS_BDAT: Reply = order("A binary body needs BDAT");
pub(in crate::server) const TLS_ALREADY: Reply = order("TLS is already active");
pub(in crate::server) const AUTH_NOT_NOW: Reply = order("Authentication is not possible now");
pub(in crate::server) const NOT_OFFERED: Reply = Reply::fixed(502, Enhanced(5, 5, 1), "Command not available here");
pub(in crate::server) const AUTHENTICATE_FIRST: Reply = Reply::fixed(530, Enhanced(5, 7, 0), "Authentication required");
pub(in crate::server) const NEEDS_TLS: Reply =
    Reply::fixed(538, Enhanced(5, 7, 11), "Start TLS before using this mechanism");
pub(in crate::server) const AUTH_CANCELLED: Reply = Reply::fixed(501, Enhanced(5, 7, 0), "Authentication cancelled");
pub(in crate::server) const AUTH_LINE_TOO_LONG: Reply =
    Reply::fixed(500, Enhanced(5, 5, 6), "Authentication exchange line is too long");
pub(in crate::server) const LINE_TOO_LONG: Reply = Reply::fixed(500, Enhanced(5, 5, 2), "Line too long");
pub(in crate::server) const TOO_MANY_MESSAGES: Reply = Reply::fixed(
    451,
    Enhanced(4, 5, 3),
    "Too many messages on this connection, open another one",
);
pub(in crate::server) const TOO_MANY_ERRORS: Reply = Reply::fixed(421, Enhanced(4, 7, 0), "Too many errors, closing");
pub(in crate::server) const TIMEOUT: Reply = Reply::fixed(421, Enhanced(4, 4, 2), "Timed out, closing");
pub(in crate::server) const NO_OUTCOME: Reply = Reply::fixed(451, Enhanced(4, 3, 0), "Outcome unknown, try again");
/// A command line that ends in a bare LF is not guessed at: the connection ends.
pub(in crate::server) const BARE_IN_COMMAND: Reply =
    Reply::fixed(500, Enhanced(5, 5, 2), "Lines end in CR LF, closing");
/// Other servers choose 521 or 550; 550 makes the sender report it to the author at once.
pub(in crate::server) const BARE_IN_MESSAGE: Reply = Reply::fixed(
    550,
    Enhanced(5, 6, 0),
    "Message holds a bare CR or LF; lines end in CR LF",
);
pub(in crate::server) const CLEAR_AFTER_STARTTLS: Reply =
    Reply::fixed(421, Enhanced(4, 7, 0), "Nothing may follow STARTTLS in clear, closing");
pub(in crate::server) const HELP: Reply = Reply::fixed(
    214,
    Enhanced(2, 0, 0),
    "EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT\nSee RFC 5321",
);
