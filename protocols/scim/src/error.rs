//! Errors as clients read them (RFC 7644 §3.12).

use std::fmt;

use serde_json::{Value, json};

/// What exactly is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter cannot be read, or asks for what cannot be compared.
    InvalidFilter,
    /// More was asked for than is worked out.
    TooMany,
    /// A value is taken.
    Uniqueness,
    /// The attribute is not to be changed so.
    Mutability,
    /// The body has not the form of the request.
    InvalidSyntax,
    /// The path of a patch cannot be read, or names nothing known.
    InvalidPath,
    /// The path of a patch names nothing that is there.
    NoTarget,
    /// A value is missing or of the wrong kind.
    InvalidValue,
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
        })
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// What kind of mistake it is, where the RFC has a word for it.
    pub scim_type: Option<ScimType>,
    /// In words.
    pub detail: String,
}

impl ScimError {
    /// A mistake that the RFC has no word for.
    #[must_use]
    pub fn status(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }
    /// A mistake of the client's; a value that is taken is a conflict.
    #[must_use]
    pub fn new(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            status: match scim_type {
                ScimType::Uniqueness => 409,
                _ => 400,
            },
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }
    /// What was named is not there.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::status(404, detail)
    }
    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidSyntax, detail)
    }
    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidValue, detail)
    }
    /// As it is sent.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(kind), Some(body)) = (self.scim_type, body.as_object_mut()) {
            body.insert("scimType".to_owned(), kind.to_string().into());
        }
        body
    }
}
