//! RFC 1939 §7: `USER name`. The name is the rest of the line, so that it may hold spaces.

use super::{Line, Parsed, text};

pub(super) fn parse(argument: &[u8]) -> Parsed {
    match text(argument) {
        Some(name) if !name.is_empty() => Ok(Line::User(name)),
        _ => Err("USER takes a name"),
    }
}
