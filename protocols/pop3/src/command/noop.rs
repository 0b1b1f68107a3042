//! RFC 1939 §5: `NOOP`.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Noop)
}
