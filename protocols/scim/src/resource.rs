//! Resources as clients send them: names as the schema writes them, values of the kinds it says, nothing that only the
//! server changes, nothing unknown.

use serde_json::Value;

use crate::schema::{Attribute, Kind, Mutability, ResourceType};
use crate::{Object, ScimError, ScimType};

impl ResourceType {
    /// A resource that a client wants to make, or to put in the place of one. What is read only is left out, as is what
    /// is not known here (RFC 7644 §3.3): the answer shows what was taken.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidValue`.
    pub fn read(&self, sent: &Value) -> Result<Object, ScimError> {
        let sent = sent.as_object();
        let sent = sent.ok_or_else(|| ScimError::syntax("a resource is a JSON object"))?;
        let mut resource = Object::new();
        let mut is_said = false;
        for (name, value) in sent {
            if name.eq_ignore_ascii_case("schemas") {
                is_said = names_schema(value, self.schema.id)?;
            } else if name.eq_ignore_ascii_case(self.extension.id) {
                let inner = value.as_object();
                let inner = inner.ok_or_else(|| ScimError::value(format!("{name} is an object")))?;
                let mut extension = Object::new();
                for (name, value) in inner {
                    take(&mut extension, self.extension.attributes.iter(), name, value)?;
                }
                if !extension.is_empty() {
                    resource.insert(self.extension.id.to_owned(), extension.into());
                }
            } else {
                take(&mut resource, self.attributes(), name, value)?;
            }
        }
        if !is_said {
            return Err(ScimError::syntax(format!("schemas must name {}", self.schema.id)));
        }
        self.check(&resource)?;
        Ok(resource)
    }

    /// Whether a resource has what it needs, and says nothing twice.
    ///
    /// # Errors
    /// `invalidValue` with what is wrong.
    pub fn check(&self, resource: &Object) -> Result<(), ScimError> {
        for attribute in self.attributes() {
            let value = resource.get(attribute.name);
            if value.is_none() && attribute.required && attribute.mutability != Mutability::ReadOnly {
                return Err(ScimError::value(format!("{} is missing", attribute.name)));
            }
            let all = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let is_primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
            if all.iter().filter(is_primary).count() > 1 {
                return Err(ScimError::value(format!(
                    "{}: one value at most is primary",
                    attribute.name
                )));
            }
            for part in attribute.parts.iter().filter(|part| part.required) {
                if all.iter().any(|value| value.get(part.name).is_none()) {
                    let detail = format!("{}: {} is missing in a value", attribute.name, part.name);
                    return Err(ScimError::value(detail));
                }
            }
        }
        Ok(())
    }

    /// Whether what cannot be changed was not.
    ///
    /// # Errors
    /// `mutability`.
    pub fn check_kept(&self, before: &Object, after: &Object) -> Result<(), ScimError> {
        let within = |resource: &'_ Object| resource.get(self.extension.id).and_then(Value::as_object).cloned();
        let (old, new) = (within(before).unwrap_or_default(), within(after).unwrap_or_default());
        let own = self
            .schema
            .attributes
            .iter()
            .map(|attribute| (attribute, before, after));
        let extended = self
            .extension
            .attributes
            .iter()
            .map(|attribute| (attribute, &old, &new));
        for (attribute, before, after) in own.chain(extended) {
            if attribute.mutability != Mutability::Immutable {
                continue;
            }
            let same = match (before.get(attribute.name), after.get(attribute.name)) {
                (None, _) => true,
                (Some(Value::String(old)), Some(Value::String(new))) if !attribute.case_exact => {
                    old.to_lowercase() == new.to_lowercase()
                }
                (old, new) => old == new,
            };
            if !same {
                return Err(mutability(format!("{} cannot be changed", attribute.name)));
            }
        }
        Ok(())
    }
}

pub(crate) fn mutability(detail: impl Into<String>) -> ScimError {
    ScimError::new(ScimType::Mutability, detail)
}

fn names_schema(value: &Value, wanted: &str) -> Result<bool, ScimError> {
    let schemas = value.as_array();
    let schemas = schemas.ok_or_else(|| ScimError::syntax("schemas is a list"))?;
    let is = |schema: &Value| {
        schema
            .as_str()
            .is_some_and(|schema| schema.eq_ignore_ascii_case(wanted))
    };
    Ok(schemas.iter().any(is))
}

/// Takes one member of an object, if an attribute has its name.
fn take(
    into: &mut Object,
    mut attributes: impl Iterator<Item = &'static Attribute>,
    name: &str,
    value: &Value,
) -> Result<(), ScimError> {
    let Some(attribute) = attributes.find(|attribute| attribute.name.eq_ignore_ascii_case(name)) else {
        return Ok(());
    };
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    if let Some(value) = normal(attribute, value)?
        && into.insert(attribute.name.to_owned(), value).is_some()
    {
        return Err(ScimError::syntax(format!("{name} is said twice")));
    }
    Ok(())
}

/// The value of an attribute as it is kept; nothing for none (RFC 7643 §2.5).
pub(crate) fn normal(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return normal_one(attribute, value);
    }
    let values = value.as_array();
    let values = values.ok_or_else(|| ScimError::value(format!("{} is a list", attribute.name)))?;
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        kept.extend(normal_one(attribute, value)?);
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// One value of an attribute.
pub(crate) fn normal_one(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let wrong = |what: &str| Err(ScimError::value(format!("{} is {what}", attribute.name)));
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Kind::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        // Some clients write them as texts.
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true.into())),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false.into())),
        (Kind::Boolean, _) => wrong("true or false"),
        (Kind::Complex, Value::Object(parts)) => {
            let mut kept = Object::new();
            for (name, value) in parts {
                take(&mut kept, attribute.parts.iter(), name, value)?;
            }
            Ok((!kept.is_empty()).then_some(kept.into()))
        }
        (Kind::Complex, _) => wrong("an object"),
        (_, Value::String(text)) => Ok((!text.is_empty()).then(|| value.clone())),
        _ => wrong("a text"),
    }
}
