//! THREAD (RFC 5256 §3): `"THREAD" SP algorithm SP charset 1*(SP search-key)`.

use crate::Refusal;
use crate::parser::{Parsed, Parser};

use super::search::{SearchKey, parse_charset, parse_keys};

/// Looks for messages and groups them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Answer with UIDs.
    pub uid: bool,
    /// How.
    pub algorithm: ThreadAlgorithm,
    /// What must hold.
    pub key: SearchKey,
}

/// How messages are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadAlgorithm {
    /// By base subject, in order of sending.
    OrderedSubject,
    /// By Message-ID, In-Reply-To and References.
    References,
}

impl Thread {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool) -> Parsed<Self> {
        parser.space()?;
        let algorithm = match parser.atom_str()?.to_ascii_uppercase().as_str() {
            "ORDEREDSUBJECT" => ThreadAlgorithm::OrderedSubject,
            "REFERENCES" => ThreadAlgorithm::References,
            _ => return Err(Refusal::bad("Unknown algorithm")),
        };
        parser.space()?;
        parse_charset(parser)?;
        parser.space()?;
        let key = parse_keys(parser)?;
        Ok(Self { uid, algorithm, key })
    }
}
