//! SETQUOTA (RFC 9208 §4.3): `"SETQUOTA" SP quota-root SP "(" [resource SP limit ..] ")"`.

use crate::Refusal;
use crate::parser::{Parsed, Parser};

/// New limits for a quota root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetQuota {
    /// Which root.
    pub root: String,
    /// Resource, in capitals, and limit.
    pub limits: Vec<(String, u64)>,
}

/// Most resources in one command.
const RESOURCES_MAX: usize = 16;

impl SetQuota {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let root = parser.astring_utf8()?;
        parser.space()?;
        let mut limits = Vec::new();
        parser.list(|parser| {
            let name = parser.atom_str()?.to_ascii_uppercase();
            parser.space()?;
            limits.push((name, parser.number64()?));
            if limits.len() > RESOURCES_MAX {
                return Err(Refusal::bad("Too many resources"));
            }
            Ok(())
        })?;
        Ok(Self { root, limits })
    }
}
