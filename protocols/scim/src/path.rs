//! How attributes are named in filters, patches and selections (RFC 7644 §3.10, §3.5.2).

use std::fmt;
use std::str::FromStr;

use crate::filter::{Cursor, Filter};
use crate::{ScimError, ScimType};

/// `urn:..:User:name.givenName`: a schema, an attribute, a part of it. Names are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema's URI, if it is said.
    pub schema: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// A part of a complex attribute.
    pub sub: Option<String>,
}

fn invalid(text: &str) -> ScimError {
    ScimError::new(ScimType::InvalidPath, format!("{text} is not the name of an attribute"))
}

fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix('$').unwrap_or(text);
    rest.starts_with(|c: char| c.is_ascii_alphabetic())
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl FromStr for AttributePath {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) => (Some(schema), rest),
            None => (None, text),
        };
        let is_uri = |schema: &str| {
            schema.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
                && schema
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.'))
        };
        let (attribute, sub) = match rest.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (rest, None),
        };
        if !schema.is_none_or(is_uri) || !is_name(attribute) || !sub.is_none_or(is_name) {
            return Err(invalid(text));
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            attribute: attribute.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attribute)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// What an operation of a patch is about: `emails[type eq "work"].value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchPath {
    /// The attribute; with a filter its part is behind that.
    pub attribute: AttributePath,
    /// Which of its values.
    pub filter: Option<Filter>,
}

impl FromStr for PatchPath {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        let Some((name, rest)) = text.split_once('[') else {
            return Ok(Self {
                attribute: text.parse()?,
                filter: None,
            });
        };
        let mut attribute: AttributePath = name.parse()?;
        if attribute.sub.is_some() {
            return Err(invalid(text));
        }
        let mut cursor = Cursor::new(rest);
        let filter = cursor
            .filter()
            .map_err(|error| ScimError::new(ScimType::InvalidPath, error.detail))?;
        let rest = cursor.rest().strip_prefix(']').ok_or_else(|| invalid(text))?;
        attribute.sub = match rest.strip_prefix('.') {
            Some(sub) if is_name(sub) => Some(sub.to_owned()),
            None if rest.is_empty() => None,
            _ => return Err(invalid(text)),
        };
        Ok(Self {
            attribute,
            filter: Some(filter),
        })
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else {
            return self.attribute.fmt(f);
        };
        let name = AttributePath {
            sub: None,
            ..self.attribute.clone()
        };
        write!(f, "{name}[{filter}]")?;
        match &self.attribute.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}
