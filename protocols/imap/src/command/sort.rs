//! SORT (RFC 5256 §3): `"SORT" SP "(" sort-criterion *(SP sort-criterion) ")" SP charset 1*(SP search-key)`.

use crate::Refusal;
use crate::parser::{Parsed, Parser};

use super::search::{SearchKey, parse_charset, parse_keys};

/// Most criteria in one command.
const CRITERIA_MAX: usize = 16;

/// Looks for messages and orders them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// Answer with UIDs.
    pub uid: bool,
    /// Most important first.
    pub criteria: Vec<SortCriterion>,
    /// What must hold.
    pub key: SearchKey,
}

/// One key of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortCriterion {
    /// Largest first.
    pub reverse: bool,
    /// By what.
    pub by: SortBy,
}

/// What messages are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// Internal date.
    Arrival,
    /// Mailbox part of the first Cc address.
    Cc,
    /// Sent date.
    Date,
    /// Mailbox part of the first From address.
    From,
    /// Size.
    Size,
    /// Base subject.
    Subject,
    /// Mailbox part of the first To address.
    To,
}

impl Sort {
    pub(crate) fn parse(parser: &mut Parser<'_>, uid: bool) -> Parsed<Self> {
        parser.space()?;
        let mut criteria = Vec::new();
        parser.list(|parser| {
            let mut reverse = false;
            while parser.word("REVERSE") {
                reverse = true;
                parser.space()?;
            }
            let by = match parser.atom_str()?.to_ascii_uppercase().as_str() {
                "ARRIVAL" => SortBy::Arrival,
                "CC" => SortBy::Cc,
                "DATE" => SortBy::Date,
                "FROM" => SortBy::From,
                "SIZE" => SortBy::Size,
                "SUBJECT" => SortBy::Subject,
                "TO" => SortBy::To,
                _ => return Err(Refusal::bad("Unknown sort criterion")),
            };
            criteria.push(SortCriterion { reverse, by });
            if criteria.len() > CRITERIA_MAX {
                return Err(Refusal::bad("Too many sort criteria"));
            }
            Ok(())
        })?;
        if criteria.is_empty() {
            return Err(Refusal::bad("Expected a sort criterion"));
        }
        parser.space()?;
        parse_charset(parser)?;
        parser.space()?;
        let key = parse_keys(parser)?;
        Ok(Self { uid, criteria, key })
    }
}
