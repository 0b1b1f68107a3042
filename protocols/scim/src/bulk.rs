//! Bulk requests (RFC 7644 §3.7): many operations in one body, which may name what others of them make.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ScimError;

/// The schema of a bulk request.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// What names the resource that an operation makes.
const REFERENCE: &str = "bulkId:";
/// Values within each other that are looked through for references.
const DEPTH_MAX: usize = 64;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkMethod {
    /// Makes a resource.
    Post,
    /// Puts one in the place of one.
    Put,
    /// Changes one.
    Patch,
    /// Removes one.
    Delete,
}

impl BulkMethod {
    /// As HTTP writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// What it does.
    pub method: BulkMethod,
    /// To what: `/Users`, `/Groups/7`.
    pub path: String,
    /// The name of what it makes.
    pub bulk_id: Option<String>,
    /// What the resource must still be.
    pub version: Option<String>,
    /// The body.
    pub data: Value,
}

/// Many operations.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// In the order in which they were sent.
    pub operations: Vec<BulkOperation>,
    /// Errors after which the rest is left; none for all.
    pub fail_on_errors: Option<u64>,
}

impl BulkRequest {
    /// Reads one of at most `operations_max` operations.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidValue`; 413 when there are more.
    pub fn read(sent: &Value, operations_max: usize) -> Result<Self, ScimError> {
        let is_said = sent.get("schemas").and_then(Value::as_array);
        if !is_said.is_some_and(|schemas| schemas.iter().any(|schema| schema == SCHEMA)) {
            return Err(ScimError::syntax(format!("schemas must name {SCHEMA}")));
        }
        let operations = sent.get("Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| ScimError::syntax("Operations is a list"))?;
        if operations.len() > operations_max {
            let detail = format!(
                "maxOperations is {operations_max} and the request has {}",
                operations.len()
            );
            return Err(ScimError::status(413, detail));
        }
        let fail_on_errors = match sent.get("failOnErrors") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_u64() {
                Some(number) if number > 0 => Some(number),
                _ => return Err(ScimError::value("failOnErrors is a number from 1 on")),
            },
        };
        let operations: Vec<_> = operations.iter().map(BulkOperation::read).collect::<Result<_, _>>()?;
        let mut names: Vec<&str> = operations.iter().filter_map(|made| made.bulk_id.as_deref()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            let name = twice.first().copied().unwrap_or_default();
            return Err(ScimError::value(format!("bulkId {name} is there twice")));
        }
        Ok(Self {
            operations,
            fail_on_errors,
        })
    }
}

impl BulkOperation {
    fn read(sent: &Value) -> Result<Self, ScimError> {
        let text = |name: &str| sent.get(name).and_then(Value::as_str).map(str::to_owned);
        let method = match text("method").unwrap_or_default().to_ascii_uppercase().as_str() {
            "POST" => BulkMethod::Post,
            "PUT" => BulkMethod::Put,
            "PATCH" => BulkMethod::Patch,
            "DELETE" => BulkMethod::Delete,
            _ => return Err(ScimError::syntax("method is POST, PUT, PATCH or DELETE")),
        };
        let path = text("path").ok_or_else(|| ScimError::syntax("path is missing"))?;
        let bulk_id = text("bulkId");
        if method == BulkMethod::Post && bulk_id.is_none() {
            return Err(ScimError::syntax("a POST needs a bulkId"));
        }
        Ok(Self {
            method,
            path,
            bulk_id,
            version: text("version"),
            data: sent.get("data").cloned().unwrap_or(Value::Null),
        })
    }

    /// The first thing it names that no operation has made yet.
    #[must_use]
    pub fn waits_for(&self, made: &BTreeMap<String, String>) -> Option<String> {
        let in_path = reference_in_path(&self.path).filter(|name| !made.contains_key(*name));
        match in_path {
            Some(name) => Some(name.to_owned()),
            None => missing(&self.data, made, 0),
        }
    }

    /// The operation with identifiers in the place of names.
    #[must_use]
    pub fn resolved(&self, made: &BTreeMap<String, String>) -> Self {
        let mut operation = self.clone();
        if let Some(name) = reference_in_path(&self.path)
            && let Some(id) = made.get(name)
        {
            operation.path = self.path.replacen(&format!("{REFERENCE}{name}"), id, 1);
        }
        resolve(&mut operation.data, made, 0);
        operation
    }
}

fn reference_in_path(path: &str) -> Option<&str> {
    path.split('/').find_map(|part| part.strip_prefix(REFERENCE))
}

fn missing(value: &Value, made: &BTreeMap<String, String>, depth: usize) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::String(text) => {
            let name = text.strip_prefix(REFERENCE)?;
            (!made.contains_key(name)).then(|| name.to_owned())
        }
        Value::Array(values) => values
            .iter()
            .find_map(|value| missing(value, made, depth.saturating_add(1))),
        Value::Object(members) => members
            .values()
            .find_map(|value| missing(value, made, depth.saturating_add(1))),
        _ => None,
    }
}

fn resolve(value: &mut Value, made: &BTreeMap<String, String>, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::String(text) => {
            if let Some(id) = text.strip_prefix(REFERENCE).and_then(|name| made.get(name)) {
                *text = id.clone();
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| resolve(value, made, depth.saturating_add(1))),
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| resolve(value, made, depth.saturating_add(1))),
        _ => {}
    }
}

/// What became of the operations, in the order in which they were carried out.
#[must_use]
pub fn bulk_answer(operations: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": operations,
    })
}
