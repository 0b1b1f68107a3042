//! What resources have (RFC 7643 §4, §7): the schemas kept here and the types of resources made of them.

use serde_json::{Value, json};

use crate::{AttributePath, Object};

mod group;
mod user;

pub use group::{GROUP, GROUP_ADDRESS};
pub use user::{ENTERPRISE_USER, USER};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A moment, in UTC.
    DateTime,
    /// The address of something.
    Reference,
    /// It has parts.
    Complex,
}

/// Who changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Only the server.
    ReadOnly,
    /// Clients too.
    ReadWrite,
    /// Clients, once.
    Immutable,
    /// Clients; nobody reads it.
    WriteOnly,
}

/// When it is part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// In every one.
    Always,
    /// Unless other attributes are asked for.
    Default,
    /// Only when it is asked for.
    Request,
    /// Never.
    Never,
}

/// One attribute of a schema, or a part of one.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it is, in words.
    pub description: &'static str,
    /// What a value is.
    pub kind: Kind,
    /// Whether there may be many.
    pub multi_valued: bool,
    /// Whether there must be one.
    pub required: bool,
    /// Whether capital and small letters differ.
    pub case_exact: bool,
    /// Who changes it.
    pub mutability: Mutability,
    /// When it is answered.
    pub returned: Returned,
    /// Whether no two resources have the same.
    pub unique: bool,
    /// Usual values.
    pub canonical: &'static [&'static str],
    /// Its parts.
    pub parts: &'static [Attribute],
}

impl Attribute {
    /// Text that clients change.
    const fn text(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind: Kind::String,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            unique: false,
            canonical: &[],
            parts: &[],
        }
    }
    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self {
            kind: Kind::Boolean,
            ..Self::text(name, description)
        }
    }
    const fn complex(name: &'static str, description: &'static str, parts: &'static [Self]) -> Self {
        Self {
            kind: Kind::Complex,
            parts,
            ..Self::text(name, description)
        }
    }
    const fn many(self) -> Self {
        Self {
            multi_valued: true,
            ..self
        }
    }
    const fn exact(self) -> Self {
        Self {
            case_exact: true,
            ..self
        }
    }
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }
    const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }
    const fn usually(self, canonical: &'static [&'static str]) -> Self {
        Self { canonical, ..self }
    }
    const fn changed(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }
    const fn read_only(self) -> Self {
        self.changed(Mutability::ReadOnly)
    }
    const fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
    const fn returned(self, returned: Returned) -> Self {
        Self { returned, ..self }
    }

    /// The part of that name.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.parts.iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }

    fn describe(&self) -> Value {
        let mut described = json!({
            "name": self.name,
            "type": match self.kind {
                Kind::String => "string",
                Kind::Boolean => "boolean",
                Kind::DateTime => "dateTime",
                Kind::Reference => "reference",
                Kind::Complex => "complex",
            },
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": match self.mutability {
                Mutability::ReadOnly => "readOnly",
                Mutability::ReadWrite => "readWrite",
                Mutability::Immutable => "immutable",
                Mutability::WriteOnly => "writeOnly",
            },
            "returned": match self.returned {
                Returned::Always => "always",
                Returned::Default => "default",
                Returned::Request => "request",
                Returned::Never => "never",
            },
            "uniqueness": if self.unique { "server" } else { "none" },
        });
        if let Some(described) = described.as_object_mut() {
            if !self.canonical.is_empty() {
                described.insert("canonicalValues".to_owned(), self.canonical.into());
            }
            if !self.parts.is_empty() {
                let parts = self.parts.iter().map(Self::describe).collect();
                described.insert("subAttributes".to_owned(), Value::Array(parts));
            }
            if self.kind == Kind::Reference {
                described.insert("referenceTypes".to_owned(), json!(["User", "Group"]));
            }
        }
        described
    }
}

/// A set of attributes with a name in the world.
#[derive(Debug)]
pub struct Schema {
    /// Its URI.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What has it.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// As /Schemas tells it; `base` is the address of the service.
    #[must_use]
    pub fn describe(&self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::describe).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id)},
        })
    }
}

/// A kind of resource.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name.
    pub name: &'static str,
    /// Where they are.
    pub endpoint: &'static str,
    /// What they are.
    pub description: &'static str,
    /// What they have.
    pub schema: &'static Schema,
    /// And may have.
    pub extension: &'static Schema,
}

/// What a path names.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The extension that it is in.
    pub extension: Option<&'static str>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// Its part.
    pub sub: Option<&'static Attribute>,
}

/// What all resources have (RFC 7643 §3.1).
static COMMON: [Attribute; 4] = [
    Attribute::text("schemas", "The schemas whose attributes it has.")
        .many()
        .exact()
        .required()
        .returned(Returned::Always)
        .read_only(),
    Attribute::text("id", "Its identifier.")
        .exact()
        .unique()
        .returned(Returned::Always)
        .read_only(),
    Attribute::text("externalId", "Its identifier in the outside directory.")
        .exact()
        .unique(),
    Attribute::complex("meta", "What the server knows of it.", &META).read_only(),
];

static META: [Attribute; 4] = [
    Attribute::text("resourceType", "What kind of resource it is.")
        .exact()
        .read_only(),
    Attribute::text("created", "When it was made.")
        .of(Kind::DateTime)
        .read_only(),
    Attribute::text("location", "Where it is.")
        .of(Kind::Reference)
        .exact()
        .read_only(),
    Attribute::text("version", "Changes whenever it does.")
        .exact()
        .read_only(),
];

/// All schemas that resources have.
#[must_use]
pub fn all_schemas() -> [&'static Schema; 4] {
    [USER.schema, USER.extension, GROUP.schema, GROUP.extension]
}

impl ResourceType {
    /// What a path names, if these resources have it.
    #[must_use]
    pub fn find(&self, path: &AttributePath) -> Option<Found> {
        let is = |schema: &Schema| {
            let asked = path.schema.as_deref();
            asked.is_some_and(|asked| asked.eq_ignore_ascii_case(schema.id))
        };
        let named = |attributes: &'static [Attribute]| {
            attributes
                .iter()
                .find(|attribute| attribute.name.eq_ignore_ascii_case(&path.attribute))
        };
        let (extension, attribute) = if path.schema.is_none() || is(self.schema) {
            (None, named(self.schema.attributes).or_else(|| named(&COMMON))?)
        } else if is(self.extension) {
            (Some(self.extension.id), named(self.extension.attributes)?)
        } else {
            return None;
        };
        let sub = match &path.sub {
            Some(sub) => Some(attribute.sub(sub)?),
            None => None,
        };
        Some(Found {
            extension,
            attribute,
            sub,
        })
    }

    /// Its own attributes and those of all resources; not those of the extension.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &'static Attribute> + use<> {
        self.schema.attributes.iter().chain(&COMMON)
    }

    /// The schemas that a resource has attributes of.
    #[must_use]
    pub fn schemas_of(&self, resource: &Object) -> Value {
        let mut schemas = vec![self.schema.id];
        if resource.contains_key(self.extension.id) {
            schemas.push(self.extension.id);
        }
        schemas.into()
    }

    /// As /ResourceTypes tells it; `base` is the address of the service.
    #[must_use]
    pub fn describe(&self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema.id,
            "schemaExtensions": [{"schema": self.extension.id, "required": false}],
            "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", self.name)},
        })
    }
}
