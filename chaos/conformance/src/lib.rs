//! Real mail and real clients against a real node.
//!
//! The tests start the `hongyan` binary in a folder of their own and speak to its ports, with plain blocking sockets and with
//! the mail programs of the machine. What the machine lacks is named as skipped. This library is what they share: the node,
//! three wire clients that can also misbehave, and mail to send.

pub mod corpus;
pub mod imap;
pub mod mail;
pub mod node;
pub mod pop3;
pub mod program;
pub mod smtp;
pub mod wire;

/// Says, so that it is seen among the test results, that something was not tested here and why.
pub fn skip(what: &str, why: &str) {
    eprintln!("skipped: {what} ({why})");
}
