//! RFC 1939 §7: `UIDL [msg]`: names that last.

use super::{Line, Parsed, optional_number};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    optional_number(argument).map(Line::Uidl)
}
