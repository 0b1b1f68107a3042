//! RFC 1939 §7: `TOP msg n`: the header and n lines of the body.

use super::{Line, Parsed, number};
use crate::number::parse_decimal;

pub(super) fn parse(argument: &[u8]) -> Parsed {
    let mut words = argument.splitn(2, |octet| *octet == b' ');
    let message = number(words.next().unwrap_or_default())?;
    let lines = words.next().map(<[u8]>::trim_ascii).and_then(parse_decimal);
    lines
        .map(|lines| Line::Top { message, lines })
        .ok_or("TOP takes a message number and a number of lines")
}
