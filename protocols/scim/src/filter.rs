//! Filters (RFC 7644 §3.4.2.2): read, written, and held against a resource.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::schema::{Attribute, Kind, ResourceType};
use crate::{AttributePath, Object, ScimError, ScimType};

/// Longest filter.
const OCTETS_MAX: usize = 8_192;
/// Parentheses and brackets within each other.
const DEPTH_MAX: usize = 16;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Operator {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Eq, "eq"),
        (Self::Ne, "ne"),
        (Self::Co, "co"),
        (Self::Sw, "sw"),
        (Self::Ew, "ew"),
        (Self::Gt, "gt"),
        (Self::Ge, "ge"),
        (Self::Lt, "lt"),
        (Self::Le, "le"),
    ];
    fn named(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
        found.map(|(operator, _)| *operator)
    }
    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(operator, _)| *operator == self);
        found.map_or("eq", |(_, name)| name)
    }
    fn is_ordering(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// What is asked of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// An attribute compares so with a value.
    Compare {
        /// Which.
        path: AttributePath,
        /// How.
        operator: Operator,
        /// With what: a text, a number, true, false or null.
        value: Value,
    },
    /// An attribute has a value.
    Present(AttributePath),
    /// One of an attribute's values is so.
    Within {
        /// Which attribute.
        path: AttributePath,
        /// What is asked of the value.
        filter: Box<Filter>,
    },
    /// All are so.
    And(Vec<Filter>),
    /// One is so.
    Or(Vec<Filter>),
    /// It is not so.
    Not(Box<Filter>),
}

impl Eq for Filter {}

fn invalid(detail: impl Into<String>) -> ScimError {
    ScimError::new(ScimType::InvalidFilter, detail)
}

impl FromStr for Filter {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        let mut cursor = Cursor::new(text);
        let filter = cursor.filter()?;
        match cursor.rest() {
            "" => Ok(filter),
            rest => Err(invalid(format!("the filter ends before {rest}"))),
        }
    }
}

/// Reads a filter from left to right.
pub(crate) struct Cursor<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text, depth: 0 }
    }

    /// What was not read.
    pub(crate) fn rest(&self) -> &'t str {
        self.rest.trim_start()
    }

    pub(crate) fn filter(&mut self) -> Result<Filter, ScimError> {
        if self.rest.len() > OCTETS_MAX {
            return Err(invalid(format!("a filter has at most {OCTETS_MAX} octets")));
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(invalid(format!(
                "at most {DEPTH_MAX} parentheses are within each other"
            )));
        }
        let mut either = vec![self.all()?];
        while self.takes_word("or") {
            either.push(self.all()?);
        }
        self.depth -= 1;
        Ok(one_or(either, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, ScimError> {
        let mut all = vec![self.one()?];
        while self.takes_word("and") {
            all.push(self.one()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn one(&mut self) -> Result<Filter, ScimError> {
        if self.takes('(') {
            return self.until(')');
        }
        let before = self.rest;
        let word = self.word();
        if word.eq_ignore_ascii_case("not") && self.takes('(') {
            return Ok(Filter::Not(Box::new(self.until(')')?)));
        }
        if word.is_empty() {
            return Err(invalid(format!("an attribute is missing before {before:?}")));
        }
        let path: AttributePath = word.parse().map_err(|error: ScimError| invalid(error.detail))?;
        if self.takes('[') {
            let filter = Box::new(self.until(']')?);
            return Ok(Filter::Within { path, filter });
        }
        let operator = self.word();
        if operator.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let known = Operator::named(operator);
        let operator = known.ok_or_else(|| invalid(format!("{operator:?} is no operator")))?;
        let value = self.value()?;
        Ok(Filter::Compare { path, operator, value })
    }

    fn until(&mut self, end: char) -> Result<Filter, ScimError> {
        let filter = self.filter()?;
        if self.takes(end) {
            Ok(filter)
        } else {
            Err(invalid(format!("{end} is missing before {:?}", self.rest)))
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        let taken = self.rest().strip_prefix(wanted);
        if let Some(rest) = taken {
            self.rest = rest;
        }
        taken.is_some()
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let before = self.rest;
        let taken = self.word().eq_ignore_ascii_case(wanted);
        if !taken {
            self.rest = before;
        }
        taken
    }

    /// Up to a space, a parenthesis, a bracket or a quote.
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
        let (word, rest) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        self.rest = rest;
        word
    }

    fn value(&mut self) -> Result<Value, ScimError> {
        let rest = self.rest();
        let text = if let Some(behind) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = behind.char_indices().find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            let (end, _) = end.ok_or_else(|| invalid("the closing quote is missing"))?;
            let (text, rest) = rest.split_at(end.saturating_add(2).min(rest.len()));
            self.rest = rest;
            text
        } else {
            self.word()
        };
        let value: Value =
            serde_json::from_str(text).map_err(|_| invalid(format!("{text:?} is no value to compare with")))?;
        match value {
            Value::Array(_) | Value::Object(_) => Err(invalid(format!("{text:?} is no value to compare with"))),
            value => Ok(value),
        }
    }
}

fn one_or(mut filters: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (filters.pop(), filters.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            filters.push(last);
            many(filters)
        }
        (None, _) => many(filters),
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, filters: &[Filter], by: &str| {
            for (number, filter) in filters.iter().enumerate() {
                if number > 0 {
                    write!(f, " {by} ")?;
                }
                match filter {
                    Self::And(_) | Self::Or(_) => write!(f, "({filter})")?,
                    _ => filter.fmt(f)?,
                }
            }
            Ok(())
        };
        match self {
            Self::Compare { path, operator, value } => write!(f, "{path} {} {value}", operator.name()),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Within { path, filter } => write!(f, "{path}[{filter}]"),
            Self::And(filters) => joined(f, filters, "and"),
            Self::Or(filters) => joined(f, filters, "or"),
            Self::Not(filter) => write!(f, "not ({filter})"),
        }
    }
}

impl Filter {
    /// Whether it asks only for what resources of that type have.
    ///
    /// # Errors
    /// `invalidFilter` with what they have not, or what cannot be compared so.
    pub fn check(&self, kind: &ResourceType) -> Result<(), ScimError> {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().try_for_each(|filter| filter.check(kind)),
            Self::Not(filter) => filter.check(kind),
            Self::Present(path) => need(kind, path).map(|_| ()),
            Self::Compare { path, operator, value } => {
                let attribute = compared(need(kind, path)?);
                check_value(attribute, *operator, value, path)
            }
            Self::Within { path, filter } => {
                let (attribute, sub) = need(kind, path)?;
                if sub.is_some() || !matches!(attribute.kind, Kind::Complex) {
                    return Err(invalid(format!("{path} has no parts")));
                }
                filter.check_parts(attribute)
            }
        }
    }

    /// As [`Self::check`], for what stands in the brackets behind an attribute.
    pub(crate) fn check_parts(&self, attribute: &'static Attribute) -> Result<(), ScimError> {
        let part = |path: &AttributePath| match (&path.schema, &path.sub) {
            (None, None) => attribute.sub(&path.attribute).ok_or_else(|| unknown(path)),
            _ => Err(unknown(path)),
        };
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check_parts(attribute))
            }
            Self::Not(filter) => filter.check_parts(attribute),
            Self::Present(path) => part(path).map(|_| ()),
            Self::Compare { path, operator, value } => check_value(part(path)?, *operator, value, path),
            Self::Within { path, .. } => Err(unknown(path)),
        }
    }

    /// Whether it is so of a resource of that type; what the type has not is never so.
    #[must_use]
    pub fn matches(&self, kind: &ResourceType, resource: &Object) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.matches(kind, resource)),
            Self::Or(filters) => filters.iter().any(|filter| filter.matches(kind, resource)),
            Self::Not(filter) => !filter.matches(kind, resource),
            Self::Present(path) => match need(kind, path) {
                Ok(_) => !values(kind, path, resource).is_empty(),
                Err(_) => false,
            },
            Self::Compare { path, operator, value } => match need(kind, path) {
                Ok(found) => holds(compared(found), *operator, value, &values(kind, path, resource)),
                Err(_) => false,
            },
            Self::Within { path, filter } => match kind.find(path) {
                Some(found) => {
                    let objects = values(kind, path, resource).into_iter().filter_map(Value::as_object);
                    let mut objects = objects;
                    objects.any(|object| filter.matches_parts(found.attribute, object))
                }
                None => false,
            },
        }
    }

    /// As [`Self::matches`], of one value of an attribute.
    pub(crate) fn matches_parts(&self, attribute: &'static Attribute, object: &Object) -> bool {
        let part = |path: &AttributePath| attribute.sub(&path.attribute);
        let present = |sub: &Attribute| object.get(sub.name).filter(|value| !value.is_null());
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.matches_parts(attribute, object)),
            Self::Or(filters) => filters.iter().any(|filter| filter.matches_parts(attribute, object)),
            Self::Not(filter) => !filter.matches_parts(attribute, object),
            Self::Present(path) => part(path).and_then(present).is_some(),
            Self::Compare { path, operator, value } => {
                part(path).is_some_and(|sub| holds(sub, *operator, value, &Vec::from_iter(present(sub))))
            }
            Self::Within { .. } => false,
        }
    }

    /// A value that `attribute` (in lower letters, `emails.value` for a part) must be equal to for this to be so; what
    /// finds resources without looking at all of them.
    #[must_use]
    pub fn wanted(&self, attribute: &str) -> Option<&str> {
        self.needed(attribute, |operator| operator == Operator::Eq)?.as_str()
    }

    /// A text that a value of `attribute` must contain for this to be so, but for capital letters.
    #[must_use]
    pub fn wanted_part(&self, attribute: &str) -> Option<&str> {
        use Operator::{Co, Eq, Ew, Sw};
        self.needed(attribute, |operator| matches!(operator, Eq | Co | Sw | Ew))?
            .as_str()
    }

    /// What `attribute` must be for this to be so: true or false.
    #[must_use]
    pub fn wanted_truth(&self, attribute: &str) -> Option<bool> {
        self.needed(attribute, |operator| operator == Operator::Eq)?.as_bool()
    }

    /// Whether this compares and does nothing else.
    #[must_use]
    pub fn is_comparison(&self) -> bool {
        matches!(self, Self::Compare { .. })
    }

    /// What `attribute` must compare with, by an operator that `takes` takes, for this to be so.
    fn needed(&self, attribute: &str, takes: fn(Operator) -> bool) -> Option<&Value> {
        match self {
            Self::Compare { path, operator, value } if takes(*operator) => {
                let name = match &path.sub {
                    Some(sub) => format!("{}.{sub}", path.attribute),
                    None => path.attribute.clone(),
                };
                Some(value).filter(|_| name.eq_ignore_ascii_case(attribute))
            }
            Self::Within { path, filter } => {
                let (name, part) = attribute.split_once('.')?;
                match path.attribute.eq_ignore_ascii_case(name) {
                    true => filter.needed(part, takes),
                    false => None,
                }
            }
            Self::And(filters) => filters.iter().find_map(|filter| filter.needed(attribute, takes)),
            _ => None,
        }
    }
}

fn unknown(path: &AttributePath) -> ScimError {
    invalid(format!("there is no attribute {path}"))
}

fn need(
    kind: &ResourceType,
    path: &AttributePath,
) -> Result<(&'static Attribute, Option<&'static Attribute>), ScimError> {
    match kind.find(path) {
        Some(found) if found.attribute.returned != crate::Returned::Never => Ok((found.attribute, found.sub)),
        _ => Err(unknown(path)),
    }
}

/// What of an attribute is compared: its part; of a complex one its `value`.
fn compared((attribute, sub): (&'static Attribute, Option<&'static Attribute>)) -> &'static Attribute {
    match sub {
        Some(sub) => sub,
        None => attribute.sub("value").unwrap_or(attribute),
    }
}

fn check_value(
    attribute: &Attribute,
    operator: Operator,
    value: &Value,
    path: &AttributePath,
) -> Result<(), ScimError> {
    let fits = match attribute.kind {
        Kind::Complex => false,
        Kind::Boolean => !operator.is_ordering() && (value.is_boolean() || value.is_null()),
        Kind::String | Kind::Reference | Kind::DateTime => {
            value.is_string() || (value.is_null() && matches!(operator, Operator::Eq | Operator::Ne))
        }
    };
    match fits {
        true => Ok(()),
        false => Err(invalid(format!("{path} cannot be compared so with {value}"))),
    }
}

/// What a resource has at a path; parts of all values of an attribute with many.
fn values<'r>(kind: &ResourceType, path: &AttributePath, resource: &'r Object) -> Vec<&'r Value> {
    let Some(found) = kind.find(path) else {
        return Vec::new();
    };
    let container = match found.extension {
        Some(schema) => resource.get(schema).and_then(Value::as_object),
        None => Some(resource),
    };
    let Some(value) = container.and_then(|container| container.get(found.attribute.name)) else {
        return Vec::new();
    };
    let all: Vec<&Value> = match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    };
    match found.sub {
        Some(sub) => all.into_iter().filter_map(|value| value.get(sub.name)).collect(),
        None => all,
    }
}

fn holds(attribute: &Attribute, operator: Operator, wanted: &Value, present: &[&Value]) -> bool {
    if operator == Operator::Ne {
        return !holds(attribute, Operator::Eq, wanted, present);
    }
    if wanted.is_null() {
        return present.is_empty();
    }
    present.iter().any(|value| {
        // Of a complex value its `value`.
        let value = value.get("value").unwrap_or(value);
        match (value, wanted) {
            (Value::String(value), Value::String(wanted)) if attribute.case_exact => text(operator, value, wanted),
            (Value::String(value), Value::String(wanted)) => {
                text(operator, &value.to_lowercase(), &wanted.to_lowercase())
            }
            (value, wanted) => operator == Operator::Eq && value == wanted,
        }
    })
}

fn text(operator: Operator, value: &str, wanted: &str) -> bool {
    match operator {
        Operator::Eq => value == wanted,
        Operator::Ne => value != wanted,
        Operator::Co => value.contains(wanted),
        Operator::Sw => value.starts_with(wanted),
        Operator::Ew => value.ends_with(wanted),
        Operator::Gt => value.cmp(wanted) == Ordering::Greater,
        Operator::Ge => value.cmp(wanted) != Ordering::Less,
        Operator::Lt => value.cmp(wanted) == Ordering::Less,
        Operator::Le => value.cmp(wanted) != Ordering::Greater,
    }
}

#[cfg(test)]
#[path = "filter_test.rs"]
mod tests;
