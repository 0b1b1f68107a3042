//! RFC 1939 §5: `RETR msg`.

use super::{Line, Parsed, number};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    number(argument).map(Line::Retr)
}
