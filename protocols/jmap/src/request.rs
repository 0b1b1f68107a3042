//! The request (RFC 8620 §3.3): capabilities, calls in order, creation ids.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{CoreLimits, Id, RequestError, RequestErrorType};

/// A request; its arguments stay text until their method reads them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    /// Capabilities it uses.
    pub using: Vec<String>,
    /// The calls, in order.
    #[serde(borrow)]
    pub method_calls: Vec<Call<'a>>,
    /// Creation ids of earlier requests; when they came the response has them too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ids: Option<BTreeMap<Id, Id>>,
}

/// One call: `[name, arguments, id]`.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub name: Cow<'a, str>,
    /// The text of its arguments, an object.
    pub arguments: &'a RawValue,
    /// What the client calls the call.
    pub id: Cow<'a, str>,
}

impl<'a> Request<'a> {
    /// Reads a request and checks what concerns it as a whole.
    ///
    /// # Errors
    /// What the whole request is refused with.
    pub fn read(
        bytes: &'a [u8],
        limits: &CoreLimits,
        has_capability: impl Fn(&str) -> bool,
    ) -> Result<Self, RequestError> {
        let refuse = |kind, detail: String| RequestError { kind, detail };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.request_octets_max {
            let detail = format!("the request has more than {} octets", limits.request_octets_max);
            return Err(refuse(RequestErrorType::Limit("maxSizeRequest"), detail));
        }
        let request: Self = serde_json::from_slice(bytes).map_err(|error| {
            // RFC 7493 §2.1: I-JSON is UTF-8.
            let is_json = std::str::from_utf8(bytes).is_ok() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
            let kind = if is_json {
                RequestErrorType::NotRequest
            } else {
                RequestErrorType::NotJson
            };
            refuse(kind, error.to_string())
        })?;
        if u64::try_from(request.method_calls.len()).unwrap_or(u64::MAX) > limits.calls_max {
            let detail = format!("the request has more than {} method calls", limits.calls_max);
            return Err(refuse(RequestErrorType::Limit("maxCallsInRequest"), detail));
        }
        if let Some(unknown) = request.using.iter().find(|uri| !has_capability(uri)) {
            let detail = format!("unknown capability: {unknown}");
            return Err(refuse(RequestErrorType::UnknownCapability, detail));
        }
        Ok(request)
    }
    /// The request as a client sends it.
    ///
    /// # Errors
    /// None in practice: it has nothing that JSON could not say.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

impl Serialize for Call<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(3)?;
        tuple.serialize_element(&self.name)?;
        tuple.serialize_element(self.arguments)?;
        tuple.serialize_element(&self.id)?;
        tuple.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Call<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CallVisitor;
        impl<'de> Visitor<'de> for CallVisitor {
            type Value = Call<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a method call: [name, arguments, call id]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Call<'de>, A::Error> {
                let short = |count| serde::de::Error::invalid_length(count, &"three elements");
                let name = seq.next_element()?.ok_or_else(|| short(0))?;
                let arguments: &RawValue = seq.next_element()?.ok_or_else(|| short(1))?;
                let id = seq.next_element()?.ok_or_else(|| short(2))?;
                if !arguments.get().starts_with('{') {
                    return Err(serde::de::Error::custom("the arguments of a method call are an object"));
                }
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(short(4));
                }
                Ok(Call { name, arguments, id })
            }
        }
        deserializer.deserialize_seq(CallVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request<'_>, RequestError> {
        Request::read(text.as_bytes(), &CoreLimits::default(), |uri| {
            uri.starts_with("urn:ietf:params:jmap:")
        })
    }

    /// RFC 8620 §3.3.1.
    const EXAMPLE: &str = r#"{
        "using": [ "urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail" ],
        "methodCalls": [
            [ "method1", { "arg1": "arg1data", "arg2": "arg2data" }, "c1" ],
            [ "method2", { "arg1": "arg1data" }, "c2" ],
            [ "method3", {}, "c3" ]
        ]
    }"#;

    #[test]
    fn reads_the_example_of_rfc_8620() {
        let request = read(EXAMPLE).unwrap();
        assert_eq!(request.using.len(), 2);
        let names: Vec<&str> = request.method_calls.iter().map(|call| &*call.name).collect();
        assert_eq!(names, ["method1", "method2", "method3"]);
        assert_eq!(request.method_calls[1].arguments.get(), r#"{ "arg1": "arg1data" }"#);
        assert_eq!(request.method_calls[2].id, "c3");
        assert!(request.created_ids.is_none());
        let written = request.write().unwrap();
        let again = Request::read(&written, &CoreLimits::default(), |_| true).unwrap();
        assert_eq!(again.write().unwrap(), written);
    }

    #[test]
    fn says_what_is_wrong_with_a_request() {
        let check = |text: &str, kind| assert_eq!(read(text).unwrap_err().kind, kind, "{text}");
        check("{", RequestErrorType::NotJson);
        check("{}x", RequestErrorType::NotJson);
        check("[]", RequestErrorType::NotRequest);
        check("{}", RequestErrorType::NotRequest);
        check(r#"{"using":[],"methodCalls":[["a",{}]]}"#, RequestErrorType::NotRequest);
        check(
            r#"{"using":[],"methodCalls":[["a",[],"0"]]}"#,
            RequestErrorType::NotRequest,
        );
        check(
            r#"{"using":[],"methodCalls":[["a",{},"0",1]]}"#,
            RequestErrorType::NotRequest,
        );
        check(
            r#"{"using":["x"],"methodCalls":[]}"#,
            RequestErrorType::UnknownCapability,
        );
        let many = vec![r#"["a",{},"0"]"#; 65].join(",");
        let many = format!(r#"{{"using":[],"methodCalls":[{many}]}}"#);
        check(&many, RequestErrorType::Limit("maxCallsInRequest"));
        let limits = CoreLimits {
            request_octets_max: 10,
            ..CoreLimits::default()
        };
        let long = Request::read(EXAMPLE.as_bytes(), &limits, |_| true).unwrap_err();
        assert_eq!(long.kind, RequestErrorType::Limit("maxSizeRequest"));
        assert!(long.problem(400).contains(r#""limit":"maxSizeRequest""#));
    }
}
