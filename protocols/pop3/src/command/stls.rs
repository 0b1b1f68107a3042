//! RFC 2595 §4: `STLS`.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Stls)
}
