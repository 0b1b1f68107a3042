//! Which attributes an answer has (RFC 7644 §3.9).

use serde_json::Value;

use crate::schema::{Attribute, ResourceType, Returned};
use crate::{AttributePath, Object, ScimError};

/// Attributes asked for, or not wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Selection {
    /// Those that are usual.
    #[default]
    Default,
    /// These only.
    Only(Vec<AttributePath>),
    /// The usual ones but these.
    Without(Vec<AttributePath>),
}

impl Selection {
    /// Reads the names of both parameters.
    ///
    /// # Errors
    /// `invalidPath`; `invalidSyntax` when both are there.
    pub fn read<'n>(
        wanted: impl Iterator<Item = &'n str>,
        unwanted: impl Iterator<Item = &'n str>,
    ) -> Result<Self, ScimError> {
        let parse = |name: &str| name.trim().parse::<AttributePath>();
        let is_name = |name: &&str| !name.trim().is_empty();
        let wanted: Vec<_> = wanted.filter(is_name).map(parse).collect::<Result<_, _>>()?;
        let unwanted: Vec<_> = unwanted.filter(is_name).map(parse).collect::<Result<_, _>>()?;
        match (wanted.is_empty(), unwanted.is_empty()) {
            (true, true) => Ok(Self::Default),
            (false, true) => Ok(Self::Only(wanted)),
            (true, false) => Ok(Self::Without(unwanted)),
            (false, false) => Err(ScimError::syntax("attributes or excludedAttributes, not both")),
        }
    }

    /// Whether an attribute of the core schema is wanted.
    #[must_use]
    pub fn wants(&self, kind: &ResourceType, name: &str) -> bool {
        let attribute = kind.attributes().find(|attribute| attribute.name == name);
        attribute.is_some_and(|attribute| self.keeps(kind, None, attribute).is_some())
    }

    /// Leaves of a resource what is wanted.
    pub fn cut(&self, kind: &ResourceType, resource: &mut Object) {
        if let Some(extension) = resource.get_mut(kind.extension.id).and_then(Value::as_object_mut) {
            self.cut_object(
                kind,
                Some(kind.extension.id),
                kind.extension.attributes.iter(),
                extension,
            );
            if extension.is_empty() {
                resource.remove(kind.extension.id);
            }
        }
        let extension = resource.remove(kind.extension.id);
        self.cut_object(kind, None, kind.attributes(), resource);
        if let Some(extension) = extension {
            resource.insert(kind.extension.id.to_owned(), extension);
        }
    }

    fn cut_object(
        &self,
        kind: &ResourceType,
        extension: Option<&str>,
        attributes: impl Iterator<Item = &'static Attribute>,
        object: &mut Object,
    ) {
        let mut kept = Object::new();
        for attribute in attributes {
            let Some(parts) = self.keeps(kind, extension, attribute) else {
                continue;
            };
            let Some(mut value) = object.remove(attribute.name) else {
                continue;
            };
            if let Some(keep) = parts {
                cut_parts(&mut value, &keep);
            }
            kept.insert(attribute.name.to_owned(), value);
        }
        *object = kept;
    }

    /// Nothing when an attribute goes; its parts that stay, unless all do.
    #[allow(clippy::option_option, reason = "said above")]
    fn keeps(
        &self,
        kind: &ResourceType,
        extension: Option<&str>,
        attribute: &'static Attribute,
    ) -> Option<Option<Vec<&'static str>>> {
        let names = |paths: &[AttributePath]| {
            let mut parts = Vec::new();
            let mut whole = false;
            for path in paths {
                let whole_extension = extension.is_some_and(|id| path.to_string().eq_ignore_ascii_case(id));
                match kind.find(path) {
                    Some(found) if found.extension == extension && std::ptr::eq(found.attribute, attribute) => {
                        match found.sub {
                            Some(sub) => parts.push(sub.name),
                            None => whole = true,
                        }
                    }
                    _ => whole |= whole_extension,
                }
            }
            (whole, parts)
        };
        match (attribute.returned, self) {
            (Returned::Never, _) => None,
            (Returned::Always, _) => Some(None),
            (_, Self::Only(paths)) => match names(paths) {
                (true, _) => Some(None),
                (false, parts) if parts.is_empty() => None,
                (false, parts) => Some(Some(parts)),
            },
            (Returned::Request, _) => None,
            (Returned::Default, Self::Default) => Some(None),
            (Returned::Default, Self::Without(paths)) => match names(paths) {
                (true, _) => None,
                (false, gone) if gone.is_empty() => Some(None),
                (false, gone) => {
                    let parts = attribute.parts.iter().map(|part| part.name);
                    Some(Some(parts.filter(|part| !gone.contains(part)).collect()))
                }
            },
        }
    }
}

fn cut_parts(value: &mut Value, keep: &[&str]) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| cut_parts(value, keep)),
        Value::Object(parts) => parts.retain(|name, _| keep.contains(&name.as_str())),
        _ => {}
    }
}
