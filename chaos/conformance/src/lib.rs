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

use std::io::Write;

/// Says that something was not tested here and why. `ops/test.sh` repeats lines of this form at its end.
pub fn skip(what: &str, why: &str) {
    note(&format!("SKIPPED {what}: {why}"));
}

/// Says something that must be seen among the test results, also of a test that passes.
pub fn note(text: &str) {
    // The test harness swallows what is printed, not what is written.
    let _ = writeln!(std::io::stderr(), "{text}");
}
