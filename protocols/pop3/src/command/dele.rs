//! RFC 1939 §5: `DELE msg`: marks only; QUIT deletes.

use super::{Line, Parsed, number};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    number(argument).map(Line::Dele)
}
