//! Arguments that refer to earlier results (RFC 8620 §3.7): resolved in text, before the method reads its types.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{MethodError, MethodErrorType, Pointer, Response};

/// Where an argument is taken from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultReference<'a> {
    #[serde(borrow)]
    result_of: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
}

/// The members of an object, in order, values as text.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// The text of `arguments` with every `#name` replaced by what it refers to in `earlier`.
///
/// # Errors
/// `invalidResultReference`; `invalidArguments` when an argument comes both ways.
pub fn resolve<'a>(arguments: &'a RawValue, earlier: &Response) -> Result<Cow<'a, str>, MethodError> {
    let text = arguments.get();
    if !text.contains("\"#") {
        return Ok(Cow::Borrowed(text));
    }
    let invalid = |error: serde_json::Error| MethodError::arguments(error.to_string());
    let Members(members) = serde_json::from_str(text).map_err(invalid)?;
    if !members.iter().any(|(name, _)| name.starts_with('#')) {
        return Ok(Cow::Borrowed(text));
    }
    let mut resolved = String::with_capacity(text.len());
    for (name, value) in &members {
        resolved.push(if resolved.is_empty() { '{' } else { ',' });
        let plain = name.strip_prefix('#');
        resolved.push_str(&serde_json::to_string(plain.unwrap_or(name)).map_err(invalid)?);
        resolved.push(':');
        match plain {
            None => resolved.push_str(value.get()),
            Some(plain) if members.iter().any(|(other, _)| other == plain) => {
                let words = format!("{plain} is given twice, once by reference");
                return Err(MethodError::arguments(words));
            }
            Some(_) => resolved.push_str(&follow(value, earlier)?),
        }
    }
    resolved.push('}');
    Ok(Cow::Owned(resolved))
}

fn follow(reference: &RawValue, earlier: &Response) -> Result<String, MethodError> {
    let invalid = |words: String| MethodError::with(MethodErrorType::InvalidResultReference, words);
    let reference: ResultReference<'_> =
        serde_json::from_str(reference.get()).map_err(|error| invalid(error.to_string()))?;
    let (name, arguments) = earlier
        .answer(&reference.result_of)
        .ok_or_else(|| invalid(format!("no earlier call has the id {}", reference.result_of)))?;
    if name != reference.name {
        let words = format!("call {} answered with {name}", reference.result_of);
        return Err(invalid(words));
    }
    let pointer = Pointer::try_from(&*reference.path).map_err(|error| invalid(error.to_string()))?;
    pointer.follow(arguments).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(arguments: &str, expect: Result<&str, MethodErrorType>) {
        let mut earlier = Response::new(10_000);
        earlier.push("Foo/changes", "t0", &json!({"created": ["f1", "f4"], "updated": []}));
        let arguments: &RawValue = serde_json::from_str(arguments).unwrap();
        let resolved = resolve(arguments, &earlier);
        assert_eq!(resolved.as_deref().map_err(|error| error.kind), expect);
    }

    #[test]
    fn resolves_the_example_of_rfc_8620_section_3_7() {
        check(
            r##"{"accountId": "a1", "#ids": {"resultOf": "t0", "name": "Foo/changes", "path": "/created"}}"##,
            Ok(r#"{"accountId":"a1","ids":["f1","f4"]}"#),
        );
    }

    #[test]
    fn leaves_creation_ids_alone() {
        let text = r##"{"destroy": ["#a"]}"##;
        check(text, Ok(text));
    }

    #[test]
    fn refuses_what_it_cannot_follow() {
        let wrong = Err(MethodErrorType::InvalidResultReference);
        check(
            r##"{"#ids": {"resultOf": "t1", "name": "Foo/changes", "path": "/created"}}"##,
            wrong,
        );
        check(
            r##"{"#ids": {"resultOf": "t0", "name": "Foo/get", "path": "/created"}}"##,
            wrong,
        );
        check(
            r##"{"#ids": {"resultOf": "t0", "name": "Foo/changes", "path": "/none"}}"##,
            wrong,
        );
        check(
            r##"{"#ids": {"resultOf": "t0", "name": "Foo/changes", "path": "created"}}"##,
            wrong,
        );
        check(r##"{"#ids": 1}"##, wrong);
        check(
            r##"{"ids": [], "#ids": {"resultOf": "t0", "name": "Foo/changes", "path": "/created"}}"##,
            Err(MethodErrorType::InvalidArguments),
        );
    }
}
