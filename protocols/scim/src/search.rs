//! Searches (RFC 7644 §3.4.2, §3.4.3) and the lists that answer them.

use serde_json::{Value, json};

use crate::{Filter, Object, ScimError, ScimType, Selection};

/// The schema of a search.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// Which resources; all, when there is none.
    pub filter: Option<Filter>,
    /// What of each.
    pub selection: Selection,
    /// The number of the first, from 1.
    pub start: usize,
    /// Most on the page; what the server thinks best, when nothing is said.
    pub count: Option<usize>,
}

/// RFC 7644 §3.4.2.4: less than 1 is 1 for the start, 0 for the count.
fn number(name: &str, text: &str) -> Result<usize, ScimError> {
    let number: i64 = text
        .trim()
        .parse()
        .map_err(|_| ScimError::value(format!("{name} is a number")))?;
    Ok(usize::try_from(number.max(0)).unwrap_or(usize::MAX))
}

impl Search {
    /// Reads the parameters behind an address, decoded. Sorting is not done, and what is not known says nothing.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath`, `invalidValue`.
    pub fn from_query<'q>(parameters: impl Iterator<Item = (&'q str, &'q str)>) -> Result<Self, ScimError> {
        let mut search = Self {
            start: 1,
            ..Self::default()
        };
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for (name, value) in parameters {
            match name {
                "filter" => search.filter = Some(value.parse()?),
                "startIndex" => search.start = number(name, value)?.max(1),
                "count" => search.count = Some(number(name, value)?),
                "attributes" => wanted.extend(value.split(',')),
                "excludedAttributes" => unwanted.extend(value.split(',')),
                _ => {}
            }
        }
        search.selection = Selection::read(wanted.into_iter(), unwanted.into_iter())?;
        Ok(search)
    }

    /// Reads the body of a POST to `.search`.
    ///
    /// # Errors
    /// As above, and `invalidSyntax`.
    pub fn from_body(sent: &Value) -> Result<Self, ScimError> {
        let is_said = sent.get("schemas").and_then(Value::as_array);
        if !is_said.is_some_and(|schemas| schemas.iter().any(|schema| schema == SCHEMA)) {
            return Err(ScimError::syntax(format!("schemas must name {SCHEMA}")));
        }
        let names = |name: &str| -> Result<Vec<&str>, ScimError> {
            match sent.get(name) {
                None | Some(Value::Null) => Ok(Vec::new()),
                Some(Value::Array(names)) => names
                    .iter()
                    .map(|name| name.as_str())
                    .collect::<Option<_>>()
                    .ok_or_else(|| ScimError::value(format!("{name} is a list of names"))),
                Some(_) => Err(ScimError::value(format!("{name} is a list of names"))),
            }
        };
        let whole = |name: &str| match sent.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => number(name, &value.to_string()).map(Some),
        };
        let filter = match sent.get("filter") {
            None | Some(Value::Null) => None,
            Some(Value::String(filter)) => Some(filter.parse()?),
            Some(_) => return Err(ScimError::new(ScimType::InvalidFilter, "filter is a text")),
        };
        let (wanted, unwanted) = (names("attributes")?, names("excludedAttributes")?);
        Ok(Self {
            filter,
            selection: Selection::read(wanted.into_iter(), unwanted.into_iter())?,
            start: whole("startIndex")?.unwrap_or(1).max(1),
            count: whole("count")?,
        })
    }
}

/// A page of what was found; `total` is on all pages.
#[must_use]
pub fn list_answer(resources: Vec<Object>, total: usize, start: usize) -> Value {
    let count = resources.len();
    let resources: Vec<Value> = resources.into_iter().map(Value::Object).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": count,
        "startIndex": start,
        "Resources": resources,
    })
}
