//! PatchObject (RFC 8620 §5.3): pointers without their first `/` to new values, or to `null` for what goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::arguments::Members;
use crate::{SetError, SetErrorType};

/// Where a patch points: the steps of its pointer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatchPath(Vec<String>);

impl PatchPath {
    fn parse(text: &str) -> Self {
        let steps = text.split('/');
        Self(steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
    }
    /// The property.
    #[must_use]
    pub fn property(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
    /// The steps inside the property.
    #[must_use]
    pub fn inside(&self) -> Vec<&str> {
        self.0.iter().skip(1).map(String::as_str).collect()
    }
}

/// A patch, by path. A duplicate takes the place of what came before.
#[derive(Debug, Default)]
pub struct PatchObject(BTreeMap<PatchPath, Box<RawValue>>);

impl PatchObject {
    /// Its entries by path.
    ///
    /// # Errors
    /// `invalidPatch` when one path is a prefix of another (RFC 8620 §5.3).
    pub fn entries(&self) -> Result<impl Iterator<Item = (&PatchPath, &RawValue)>, SetError> {
        let paths: Vec<&PatchPath> = self.0.keys().collect();
        let overlaps = paths
            .iter()
            .zip(paths.iter().skip(1))
            .any(|(first, second)| second.0.starts_with(&first.0));
        if overlaps {
            let words = "one path of the patch lies inside another";
            return Err(SetError::with(SetErrorType::InvalidPatch, words));
        }
        Ok(self.0.iter().map(|(path, value)| (path, &**value)))
    }
}

impl<'de> Deserialize<'de> for PatchObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Box::<RawValue>::deserialize(deserializer)?;
        let Members(members) = serde_json::from_str(whole.get()).map_err(serde::de::Error::custom)?;
        let members = members.into_iter();
        Ok(Self(
            members
                .map(|(name, value)| (PatchPath::parse(&name), value.to_owned()))
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[(&str, &[&str], &str)], SetErrorType>) {
        let patch: PatchObject = serde_json::from_str(text).unwrap();
        let entries = patch.entries().map(|entries| {
            let entries: Vec<(&str, Vec<&str>, &str)> = entries
                .map(|(path, value)| (path.property(), path.inside(), value.get()))
                .collect();
            entries
        });
        match (entries, expect) {
            (Ok(entries), Ok(expect)) => {
                let entries: Vec<(&str, &[&str], &str)> = entries.iter().map(|(a, b, c)| (*a, &b[..], *c)).collect();
                assert_eq!(entries, expect);
            }
            (entries, expect) => assert_eq!(entries.map(|_| ()).map_err(|error| error.kind), expect.map(|_| ())),
        }
    }

    #[test]
    fn paths_are_pointers_without_their_first_slash() {
        check(
            r#"{"keywords/$seen": true, "mailboxIds/a~1b": null, "name": "x"}"#,
            Ok(&[
                ("keywords", &["$seen"], "true"),
                ("mailboxIds", &["a/b"], "null"),
                ("name", &[], "\"x\""),
            ]),
        );
    }

    #[test]
    fn a_path_inside_another_is_refused() {
        check(
            r#"{"keywords": {}, "keywords/$seen": true}"#,
            Err(SetErrorType::InvalidPatch),
        );
        check(r#"{"a/b": 1, "a/b/c": 1}"#, Err(SetErrorType::InvalidPatch));
        check(r#"{"a": 1, "ab/c": 1}"#, Ok(&[("a", &[], "1"), ("ab", &["c"], "1")]));
    }
}
