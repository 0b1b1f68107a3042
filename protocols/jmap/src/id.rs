//! Ids of records, accounts and blobs (RFC 8620 §1.2), and places where a creation id may stand instead (§5.3).

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Octets an id may have.
const ID_OCTETS_MAX: usize = 255;

/// The text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 1 to 255 characters of A-Z, a-z, 0-9, - and _")]
pub struct IdError;

/// An id: 1 to 255 octets of the URL and filename safe base64 alphabet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Id {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        let is_valid = (1..=ID_OCTETS_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if is_valid { Ok(Self(text)) } else { Err(IdError) }
    }
}

impl TryFrom<&str> for Id {
    type Error = IdError;
    fn try_from(text: &str) -> Result<Self, IdError> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// An id, or `#` and the creation id of a record made earlier in the same request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdOrCreation {
    /// An id.
    Id(Id),
    /// A creation id, without its `#`.
    Creation(Id),
}

impl IdOrCreation {
    /// The id it stands for; `None` when nothing was created under that creation id.
    #[must_use]
    pub fn resolve<'a>(&'a self, created: &'a BTreeMap<Id, Id>) -> Option<&'a Id> {
        match self {
            Self::Id(id) => Some(id),
            Self::Creation(id) => created.get(id),
        }
    }
}

impl TryFrom<&str> for IdOrCreation {
    type Error = IdError;
    fn try_from(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix('#') {
            Some(creation) => Id::try_from(creation).map(Self::Creation),
            None => Id::try_from(text).map(Self::Id),
        }
    }
}

impl fmt::Display for IdOrCreation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id.as_str()),
            Self::Creation(id) => write!(f, "#{id}"),
        }
    }
}

impl Serialize for IdOrCreation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdOrCreation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::try_from(text.as_str()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_characters_make_an_id() {
        for valid in ["a", "M00000000002a", "-_9Z"] {
            assert_eq!(Id::try_from(valid).unwrap().as_str(), valid);
        }
        for invalid in ["", "a b", "ü", "#a", "a.b", &"x".repeat(256)] {
            assert_eq!(Id::try_from(invalid), Err(IdError), "{invalid}");
        }
    }

    #[test]
    fn creation_ids_stand_for_what_was_made() {
        let created = BTreeMap::from([(Id::try_from("k1").unwrap(), Id::try_from("F01").unwrap())]);
        let resolve = |text: &str| {
            let parsed = IdOrCreation::try_from(text).unwrap();
            parsed.resolve(&created).map(ToString::to_string)
        };
        assert_eq!(resolve("#k1").as_deref(), Some("F01"));
        assert_eq!(resolve("#k2"), None);
        assert_eq!(resolve("k1").as_deref(), Some("k1"));
    }
}
