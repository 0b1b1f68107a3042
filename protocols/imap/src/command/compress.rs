//! COMPRESS (RFC 4978 §3): `"COMPRESS" SP "DEFLATE"`.

use crate::parser::{Parsed, Parser};
use crate::{Command, Refusal};

pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Command> {
    parser.space()?;
    if parser.word("DEFLATE") {
        Ok(Command::Compress)
    } else {
        Err(Refusal::bad("Unknown compression"))
    }
}
