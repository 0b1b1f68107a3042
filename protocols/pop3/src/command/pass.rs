//! RFC 1939 §7: `PASS string`. Spaces are part of the password.

use hongyan_sasl::Secret;

use super::{Line, Parsed, text};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    text(argument)
        .map(|password| Line::Pass(Secret::new(password)))
        .ok_or("PASS takes a password in UTF-8")
}
