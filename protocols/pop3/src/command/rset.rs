//! RFC 1939 §5: `RSET`: takes the marks back.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Rset)
}
