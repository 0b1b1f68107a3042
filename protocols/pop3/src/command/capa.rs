//! RFC 2449 §5: `CAPA`.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Capa)
}
