//! UID EXPUNGE (RFC 9051 §6.4.9): `"UID EXPUNGE" SP sequence-set`.

use crate::SequenceSet;
use crate::parser::{Parsed, Parser};

pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<SequenceSet> {
    parser.space()?;
    SequenceSet::parse(parser)
}
