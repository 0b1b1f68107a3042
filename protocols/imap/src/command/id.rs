//! ID (RFC 2971 §3.1): `"ID" SP (NIL / "(" string SP nstring .. ")")`.

use crate::Refusal;
use crate::parser::{Parsed, Parser};

/// RFC 2971 §3.3: at most 30 fields.
const FIELDS_MAX: usize = 30;

/// What the client says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    /// Name and value; a value of NIL is left out.
    pub fields: Vec<(String, String)>,
}

impl Id {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let mut fields = Vec::new();
        if parser.nil() {
            return Ok(Self { fields });
        }
        parser.list(|parser| {
            let name = parser.string()?;
            parser.space()?;
            let value = parser.nstring()?;
            if fields.len() >= FIELDS_MAX {
                return Err(Refusal::bad("Too many fields"));
            }
            if let Some(value) = value {
                fields.push((
                    String::from_utf8_lossy(&name).into_owned(),
                    String::from_utf8_lossy(&value).into_owned(),
                ));
            }
            Ok(())
        })?;
        Ok(Self { fields })
    }
}
