//! Patches (RFC 7644 §3.5.2): operations one after the other, all of them or none.

use serde_json::Value;

use crate::filter::{Filter, Operator};
use crate::path::PatchPath;
use crate::resource::{mutability, normal, normal_one};
use crate::schema::{Attribute, Found, Mutability, ResourceType};
use crate::{AttributePath, Object, ScimError, ScimType};

/// The schema of a patch.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Most operations.
const OPERATIONS_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

#[derive(Debug, Clone)]
struct Operation {
    verb: Verb,
    path: Option<PatchPath>,
    value: Option<Value>,
}

/// What a client wants changed.
#[derive(Debug, Clone)]
pub struct PatchRequest {
    operations: Vec<Operation>,
}

fn no_target(detail: impl Into<String>) -> ScimError {
    ScimError::new(ScimType::NoTarget, detail)
}

/// A member of an object, however it is written.
fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

impl PatchRequest {
    /// Reads one.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidPath`, `noTarget` for what is to be removed and not named.
    pub fn read(sent: &Value) -> Result<Self, ScimError> {
        let object = sent.as_object();
        let object = object.ok_or_else(|| ScimError::syntax("a patch is a JSON object"))?;
        let schemas = member(object, "schemas").and_then(Value::as_array);
        let is_said = schemas.is_some_and(|schemas| schemas.iter().any(|schema| schema == SCHEMA));
        if !is_said {
            return Err(ScimError::syntax(format!("schemas must name {SCHEMA}")));
        }
        let operations = member(object, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| ScimError::syntax("Operations is a list"))?;
        if operations.is_empty() || operations.len() > OPERATIONS_MAX {
            return Err(ScimError::syntax(format!("1 to {OPERATIONS_MAX} Operations")));
        }
        let operations = operations.iter().map(Operation::read).collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }

    /// Changes a resource of that type. What fails has changed nothing.
    ///
    /// # Errors
    /// `invalidPath`, `invalidValue`, `noTarget`, `mutability`.
    pub fn apply(&self, kind: &ResourceType, resource: &mut Object) -> Result<(), ScimError> {
        let mut changed = resource.clone();
        for operation in &self.operations {
            operation.apply(kind, &mut changed)?;
        }
        kind.check_kept(resource, &changed)?;
        kind.check(&changed)?;
        *resource = changed;
        Ok(())
    }
}

impl Operation {
    fn read(sent: &Value) -> Result<Self, ScimError> {
        let object = sent.as_object();
        let object = object.ok_or_else(|| ScimError::syntax("an operation is a JSON object"))?;
        let verb = member(object, "op").and_then(Value::as_str).unwrap_or_default();
        let verb = match verb.to_ascii_lowercase().as_str() {
            "add" => Verb::Add,
            "replace" => Verb::Replace,
            "remove" => Verb::Remove,
            _ => return Err(ScimError::syntax("op is add, replace or remove")),
        };
        let path = match member(object, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path.parse::<PatchPath>()?),
            Some(_) => return Err(ScimError::new(ScimType::InvalidPath, "path is a text")),
        };
        let value = member(object, "value").cloned();
        match (verb, &path, &value) {
            (Verb::Remove, None, _) => Err(no_target("what is removed must be named by a path")),
            (Verb::Add | Verb::Replace, _, None) => Err(ScimError::value("value is missing")),
            _ => Ok(Self { verb, path, value }),
        }
    }

    fn apply(&self, kind: &ResourceType, resource: &mut Object) -> Result<(), ScimError> {
        let Some(path) = &self.path else {
            return self.apply_all(kind, resource);
        };
        // The whole of the extension.
        if path.filter.is_none() && path.attribute.to_string().eq_ignore_ascii_case(kind.extension.id) {
            if self.verb == Verb::Remove {
                resource.remove(kind.extension.id);
                return Ok(());
            }
            return self.apply_members(kind, resource, Some(kind.extension.id), self.value.as_ref());
        }
        let found = kind.find(&path.attribute).ok_or_else(|| {
            ScimError::new(
                ScimType::InvalidPath,
                format!("there is no attribute {}", path.attribute),
            )
        })?;
        self.apply_to(resource, found, path.filter.as_ref(), self.value.as_ref())
    }

    /// Without a path, the value is a part of the resource.
    fn apply_all(&self, kind: &ResourceType, resource: &mut Object) -> Result<(), ScimError> {
        self.apply_members(kind, resource, None, self.value.as_ref())
    }

    fn apply_members(
        &self,
        kind: &ResourceType,
        resource: &mut Object,
        extension: Option<&str>,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        let members = value.and_then(Value::as_object);
        let members =
            members.ok_or_else(|| ScimError::value("without the path of an attribute the value is an object"))?;
        for (name, value) in members {
            if extension.is_none() && name.eq_ignore_ascii_case(kind.extension.id) {
                self.apply_members(kind, resource, Some(kind.extension.id), Some(value))?;
                continue;
            }
            let Ok(path) = name.parse::<AttributePath>() else {
                continue;
            };
            let path = AttributePath {
                schema: path.schema.or_else(|| extension.map(str::to_owned)),
                ..path
            };
            // What is not known here is left out, as it is of a whole resource.
            let Some(found) = kind.find(&path) else { continue };
            let is_same = found.sub.is_none() && resource.get(found.attribute.name) == Some(value);
            if found.attribute.name == "schemas" || is_same {
                continue;
            }
            self.apply_to(resource, found, None, Some(value))?;
        }
        Ok(())
    }

    fn apply_to(
        &self,
        resource: &mut Object,
        found: Found,
        filter: Option<&Filter>,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        let attribute = found.attribute;
        check_writable(found)?;
        let container = match found.extension {
            Some(schema) => resource
                .entry(schema)
                .or_insert_with(|| Object::new().into())
                .as_object_mut()
                .ok_or_else(|| ScimError::value(format!("{schema} is an object")))?,
            None => resource,
        };
        let before = container.remove(attribute.name);
        let after = if attribute.multi_valued {
            let values = match before {
                Some(Value::Array(values)) => values,
                _ => Vec::new(),
            };
            let values = self.many(attribute, found.sub, filter, values, value)?;
            (!values.is_empty()).then_some(Value::Array(values))
        } else if filter.is_some() {
            let detail = format!("{} has one value only", attribute.name);
            return Err(ScimError::new(ScimType::InvalidPath, detail));
        } else {
            self.single(attribute, found.sub, before, value)?
        };
        match after {
            Some(value) => drop(container.insert(attribute.name.to_owned(), value)),
            None if attribute.required => {
                return Err(mutability(format!("{} cannot be without a value", attribute.name)));
            }
            None => {}
        }
        if let Some(schema) = found.extension
            && resource
                .get(schema)
                .and_then(Value::as_object)
                .is_some_and(Object::is_empty)
        {
            resource.remove(schema);
        }
        Ok(())
    }

    fn single(
        &self,
        attribute: &'static Attribute,
        sub: Option<&'static Attribute>,
        before: Option<Value>,
        value: Option<&Value>,
    ) -> Result<Option<Value>, ScimError> {
        let wanted = |attribute| match (self.verb, value) {
            (Verb::Remove, _) | (_, None) => Ok(None),
            (_, Some(value)) => normal(attribute, value),
        };
        let Some(sub) = sub else {
            let new = wanted(attribute)?;
            return Ok(match (before, new) {
                // RFC 7644 §3.5.2.3: the parts that are said, the others stay.
                (Some(Value::Object(mut old)), Some(Value::Object(new))) => {
                    old.extend(new);
                    Some(old.into())
                }
                (_, new) => new,
            });
        };
        let mut parts = match before {
            Some(Value::Object(parts)) => parts,
            _ => Object::new(),
        };
        set(&mut parts, sub, wanted(sub)?);
        Ok((!parts.is_empty()).then_some(parts.into()))
    }

    fn many(
        &self,
        attribute: &'static Attribute,
        sub: Option<&'static Attribute>,
        filter: Option<&Filter>,
        mut values: Vec<Value>,
        value: Option<&Value>,
    ) -> Result<Vec<Value>, ScimError> {
        if filter.is_none() && sub.is_none() {
            return self.all(attribute, values, value);
        }
        if let Some(filter) = filter {
            filter
                .check_parts(attribute)
                .map_err(|error| ScimError::new(ScimType::InvalidPath, error.detail))?;
        }
        let meant = |value: &Value| match (filter, value.as_object()) {
            (None, _) => true,
            (Some(filter), Some(object)) => filter.matches_parts(attribute, object),
            (Some(_), None) => false,
        };
        if !values.iter().any(&meant) {
            match filter
                .filter(|_| self.verb == Verb::Add)
                .and_then(|filter| made_of(attribute, filter))
            {
                Some(made) => values.push(made.into()),
                None => return Err(no_target(format!("{} has no such value", attribute.name))),
            }
        }
        if self.verb == Verb::Remove && sub.is_none() {
            values.retain(|value| !meant(value));
            return Ok(values);
        }
        let mut touched = Vec::new();
        for (number, present) in values.iter_mut().enumerate() {
            if meant(present) {
                self.change_value(attribute, sub, present, value)?;
                touched.push(number);
            }
        }
        only_primary(&mut values, &touched);
        values.retain(|value| !value.as_object().is_some_and(Object::is_empty));
        Ok(values)
    }

    /// One of the values that a filter names.
    fn change_value(
        &self,
        attribute: &'static Attribute,
        sub: Option<&'static Attribute>,
        present: &mut Value,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        let given = value.unwrap_or(&Value::Null);
        if let Some(sub) = sub {
            if let Some(parts) = present.as_object_mut() {
                let new = if self.verb == Verb::Remove {
                    None
                } else {
                    normal(sub, given)?
                };
                set(parts, sub, new);
            }
            return Ok(());
        }
        // Some clients send a list of the one value.
        let given = match given.as_array().map(Vec::as_slice) {
            Some([only]) => only,
            _ => given,
        };
        let new = normal_one(attribute, given)?;
        let new = new.ok_or_else(|| ScimError::value(format!("{} is an object", attribute.name)))?;
        match (self.verb, present.as_object_mut(), new) {
            (Verb::Add, Some(parts), Value::Object(new)) => parts.extend(new),
            (_, _, new) => *present = new,
        }
        Ok(())
    }

    /// All values of an attribute.
    fn all(
        &self,
        attribute: &'static Attribute,
        mut values: Vec<Value>,
        value: Option<&Value>,
    ) -> Result<Vec<Value>, ScimError> {
        let given = match value {
            Some(Value::Array(given)) => given.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one.clone()],
        };
        let mut new = Vec::with_capacity(given.len());
        for value in &given {
            new.extend(normal_one(attribute, value)?);
        }
        match self.verb {
            Verb::Replace => Ok(new),
            Verb::Remove if value.is_none_or(Value::is_null) => Ok(Vec::new()),
            // Some clients name what goes by its value instead of a filter.
            Verb::Remove => {
                let gone: std::collections::BTreeSet<String> = new.iter().map(name_of).collect();
                values.retain(|value| !gone.contains(&name_of(value)));
                Ok(values)
            }
            Verb::Add => {
                let mut known: std::collections::BTreeSet<String> = values.iter().map(name_of).collect();
                let mut touched = Vec::new();
                for value in new {
                    if known.insert(name_of(&value)) {
                        touched.push(values.len());
                        values.push(value);
                    }
                }
                only_primary(&mut values, &touched);
                Ok(values)
            }
        }
    }
}

/// What two values of an attribute are the same by.
fn name_of(value: &Value) -> String {
    let named = value.get("value").and_then(Value::as_str);
    match (named, value.get("type").and_then(Value::as_str)) {
        // Who a member is does not depend on what it is called.
        (Some(named), None | Some("User" | "Group" | "Address")) => named.to_owned(),
        (Some(named), Some(kind)) => format!("{named}\n{}", kind.to_ascii_lowercase()),
        (None, _) => value.to_string(),
    }
}

fn set(parts: &mut Object, part: &Attribute, value: Option<Value>) {
    match value {
        Some(value) => drop(parts.insert(part.name.to_owned(), value)),
        None => drop(parts.remove(part.name)),
    }
}

fn check_writable(found: Found) -> Result<(), ScimError> {
    let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
    let part_stays = found.sub.is_some_and(|sub| sub.mutability == Mutability::Immutable);
    if read_only(found.attribute) || found.sub.is_some_and(read_only) || part_stays {
        let name = match found.sub {
            Some(sub) => format!("{}.{}", found.attribute.name, sub.name),
            None => found.attribute.name.to_owned(),
        };
        let how = if part_stays {
            "cannot be changed"
        } else {
            "is read only"
        };
        return Err(mutability(format!("{name} {how}")));
    }
    Ok(())
}

/// RFC 7644 §3.5.2: a value that becomes the primary one takes that from the others.
fn only_primary(values: &mut [Value], touched: &[usize]) {
    let is = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let becomes = touched.iter().any(|number| values.get(*number).is_some_and(is));
    if !becomes {
        return;
    }
    for (number, value) in values.iter_mut().enumerate() {
        if !touched.contains(&number)
            && let Some(parts) = value.as_object_mut()
        {
            parts.remove("primary");
        }
    }
}

/// The value that a filter of equalities describes.
fn made_of(attribute: &'static Attribute, filter: &Filter) -> Option<Object> {
    match filter {
        Filter::Compare {
            path,
            operator: Operator::Eq,
            value,
        } => {
            let part = attribute.sub(&path.attribute)?;
            let value = normal(part, value).ok()??;
            Some(Object::from_iter([(part.name.to_owned(), value)]))
        }
        Filter::And(filters) => {
            let mut made = Object::new();
            for filter in filters {
                made.extend(made_of(attribute, filter)?);
            }
            Some(made)
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "patch_test.rs"]
mod tests;
