//! RFC 1939 §6: `QUIT`: after sign-in it deletes what is marked.

use super::{Line, Parsed, none};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    none(argument, Line::Quit)
}
