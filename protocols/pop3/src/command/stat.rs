//! RFC 1939 §5: `STAT`: number of messages and their octets.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Stat)
}
