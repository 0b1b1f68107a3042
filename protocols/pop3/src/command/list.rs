//! RFC 1939 §5: `LIST [msg]`: sizes.

use super::{Line, Parsed, optional_number};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    optional_number(argument).map(Line::List)
}
