//! JSON pointers (RFC 6901) with the `*` of RFC 8620 §3.7, followed in text: only what lies on the path is read.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Steps a pointer may have.
const STEPS_MAX: usize = 32;

/// A pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

/// Why a pointer leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// The text is no pointer.
    #[error("not a JSON pointer")]
    Malformed,
    /// The value has nothing there.
    #[error("the path leads nowhere")]
    Nothing,
}

/// What a pointer led to.
enum Found<'a> {
    One(&'a RawValue),
    /// A `*` was on the way.
    Many(Vec<&'a RawValue>),
}

impl TryFrom<&str> for Pointer {
    type Error = PointerError;
    fn try_from(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let steps = text.strip_prefix('/').ok_or(PointerError::Malformed)?;
        let steps: Vec<String> = steps
            .split('/')
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect();
        if steps.len() > STEPS_MAX {
            return Err(PointerError::Malformed);
        }
        Ok(Self(steps))
    }
}

impl Pointer {
    /// The text of what is there in `value`: with a `*` on the way an array of all that is there, arrays laid out flat.
    ///
    /// # Errors
    /// [`PointerError::Nothing`].
    pub fn follow(&self, value: &RawValue) -> Result<String, PointerError> {
        Ok(match follow(value, &self.0)? {
            Found::One(found) => found.get().to_owned(),
            Found::Many(found) => {
                let octets: usize = found.iter().map(|item| item.get().len() + 1).sum();
                let mut text = String::with_capacity(octets + 2);
                text.push('[');
                for (at, item) in found.iter().enumerate() {
                    if at > 0 {
                        text.push(',');
                    }
                    text.push_str(item.get());
                }
                text.push(']');
                text
            }
        })
    }
}

fn follow<'a>(value: &'a RawValue, steps: &[String]) -> Result<Found<'a>, PointerError> {
    let Some((step, rest)) = steps.split_first() else {
        return Ok(Found::One(value));
    };
    let text = value.get().trim_start();
    if text.starts_with('{') {
        let mut reader = serde_json::Deserializer::from_str(text);
        let member = reader.deserialize_map(Member(step));
        let found = member.ok().flatten().ok_or(PointerError::Nothing)?;
        return follow(found, rest);
    }
    if !text.starts_with('[') {
        return Err(PointerError::Nothing);
    }
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| PointerError::Nothing)?;
    if step != "*" {
        let at = index(step).ok_or(PointerError::Nothing)?;
        return follow(items.get(at).ok_or(PointerError::Nothing)?, rest);
    }
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        match follow(item, rest)? {
            Found::Many(found) => all.extend(found),
            Found::One(found) if found.get().trim_start().starts_with('[') => {
                let inner: Vec<&RawValue> = serde_json::from_str(found.get()).map_err(|_| PointerError::Nothing)?;
                all.extend(inner);
            }
            Found::One(found) => all.push(found),
        }
    }
    Ok(Found::Many(all))
}

/// RFC 6901 §4: no leading zeros.
fn index(step: &str) -> Option<usize> {
    let is_index = step == "0" || (!step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit()));
    step.parse().ok().filter(|_| is_index)
}

struct Member<'s>(&'s str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, pointer: &str, expect: Result<&str, PointerError>) {
        let value: &RawValue = serde_json::from_str(value).unwrap();
        let followed = Pointer::try_from(pointer).and_then(|pointer| pointer.follow(value));
        assert_eq!(followed.as_deref().map_err(|error| *error), expect, "{pointer}");
    }

    #[test]
    fn follows_the_example_of_rfc_8620_section_3_7() {
        let emails = r#"{"list":[{"id":"msg1023","threadId":"trd194"},{"id":"msg223","threadId":"trd114"}]}"#;
        check(emails, "/list/*/threadId", Ok(r#"["trd194","trd114"]"#));
        let threads =
            r#"{"list":[{"id":"trd194","emailIds":["msg1020","msg1021"]},{"id":"trd114","emailIds":["msg201"]}]}"#;
        check(threads, "/list/*/emailIds", Ok(r#"["msg1020","msg1021","msg201"]"#));
    }

    #[test]
    fn follows_the_examples_of_rfc_6901() {
        let value = r#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8, "x" : { "y":null } }"#;
        check(value, "/foo", Ok(r#"["bar","baz"]"#));
        check(value, "/foo/0", Ok("\"bar\""));
        check(value, "/", Ok("0"));
        check(value, "/a~1b", Ok("1"));
        check(value, "/m~0n", Ok("8"));
        check(value, "/x/y", Ok("null"));
        check(value, "/foo/01", Err(PointerError::Nothing));
        check(value, "/foo/2", Err(PointerError::Nothing));
        check(value, "/x/*", Err(PointerError::Nothing));
        check(value, "/none", Err(PointerError::Nothing));
        check(value, "/foo/0/0", Err(PointerError::Nothing));
        check(value, "foo", Err(PointerError::Malformed));
        check("[]", "/*/a", Ok("[]"));
    }
}
