//! The response (RFC 8620 §3.4), written as the calls are answered, and read again only where a reference points.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Id, MethodError, MethodErrorType};

/// A response being written.
#[derive(Debug)]
pub struct Response {
    body: Vec<u8>,
    answers: Vec<Answer>,
    octets_max: usize,
}

#[derive(Debug)]
struct Answer {
    name: String,
    call: String,
    arguments: Range<usize>,
}

impl Response {
    /// An empty response, which takes about `octets_max` octets and then refuses calls.
    #[must_use]
    pub fn new(octets_max: usize) -> Self {
        Self {
            body: b"{\"methodResponses\":[".to_vec(),
            answers: Vec::new(),
            octets_max,
        }
    }
    /// Octets so far.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.body.len()
    }
    /// Answers the call `call` with `name` and `arguments`; if they cannot be written, with an error.
    pub fn push(&mut self, name: &str, call: &str, arguments: &impl Serialize) {
        if let Err(error) = self.try_push(name, call, arguments) {
            self.push_error(call, &error);
        }
    }
    /// Answers the call `call` with an error.
    pub fn push_error(&mut self, call: &str, error: &MethodError) {
        // It has nothing that JSON could not say.
        let _ = self.write("error", call, error);
    }
    /// As [`Self::push`], but leaves nothing behind when the answer cannot be written.
    ///
    /// # Errors
    /// `requestTooLarge` when the whole response would be too large, `serverFail` when there is no JSON for the answer.
    pub fn try_push(&mut self, name: &str, call: &str, arguments: &impl Serialize) -> Result<(), MethodError> {
        let before = self.body.len();
        if let Err(error) = self.write(name, call, arguments) {
            self.body.truncate(before);
            return Err(MethodError::with(MethodErrorType::ServerFail, error.to_string()));
        }
        if self.body.len() > self.octets_max {
            self.body.truncate(before);
            self.answers.pop();
            let words = "the response would be too large";
            return Err(MethodError::with(MethodErrorType::RequestTooLarge, words));
        }
        Ok(())
    }
    fn write(&mut self, name: &str, call: &str, arguments: &impl Serialize) -> serde_json::Result<()> {
        if !self.answers.is_empty() {
            self.body.push(b',');
        }
        self.body.push(b'[');
        serde_json::to_writer(&mut self.body, name)?;
        self.body.push(b',');
        let start = self.body.len();
        serde_json::to_writer(&mut self.body, arguments)?;
        let end = self.body.len();
        self.body.push(b',');
        serde_json::to_writer(&mut self.body, call)?;
        self.body.push(b']');
        self.answers.push(Answer {
            name: name.to_owned(),
            call: call.to_owned(),
            arguments: start..end,
        });
        Ok(())
    }
    /// The arguments of the first answer to `call`, and the name it was given under.
    pub(crate) fn answer(&self, call: &str) -> Option<(&str, &RawValue)> {
        let answer = self.answers.iter().find(|answer| answer.call == call)?;
        let text = self.body.get(answer.arguments.clone())?;
        Some((&answer.name, serde_json::from_slice(text).ok()?))
    }
    /// The whole text; creation ids are told to clients that sent some.
    #[must_use]
    pub fn finish(mut self, created: Option<&BTreeMap<Id, Id>>, session_state: &str) -> Vec<u8> {
        self.body.push(b']');
        if let Some(created) = created {
            self.body.extend_from_slice(b",\"createdIds\":");
            let _ = serde_json::to_writer(&mut self.body, created);
        }
        self.body.extend_from_slice(b",\"sessionState\":");
        let _ = serde_json::to_writer(&mut self.body, session_state);
        self.body.push(b'}');
        self.body
    }
}

/// A response as a client reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseText<'a> {
    /// The answers in order: name, arguments, call id.
    #[serde(borrow)]
    pub method_responses: Vec<(Cow<'a, str>, &'a RawValue, Cow<'a, str>)>,
    /// Creation ids, if the request had some.
    pub created_ids: Option<BTreeMap<Id, Id>>,
    /// The state of the session object.
    pub session_state: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_example_of_rfc_8620_section_3_4_1() {
        #[derive(Serialize)]
        struct One {
            arg1: u32,
            arg2: &'static str,
        }
        let mut response = Response::new(10_000);
        response.push("method1", "c1", &One { arg1: 3, arg2: "foo" });
        response.push_error("c3", &MethodErrorType::UnknownMethod.into());
        let text = response.finish(None, "75128aab4b1b");
        assert_eq!(
            std::str::from_utf8(&text).unwrap(),
            r#"{"methodResponses":[["method1",{"arg1":3,"arg2":"foo"},"c1"],["error",{"type":"unknownMethod"},"c3"]],"sessionState":"75128aab4b1b"}"#
        );
        let read: ResponseText<'_> = serde_json::from_slice(&text).unwrap();
        assert_eq!(read.method_responses.len(), 2);
        assert_eq!(read.session_state, "75128aab4b1b");
    }

    #[test]
    fn an_answer_that_does_not_fit_is_an_error_and_leaves_nothing() {
        let mut response = Response::new(60);
        response.push("a", "0", &"x".repeat(100));
        assert!(response.answer("0").is_some_and(|(name, _)| name == "error"));
        let text = response.finish(Some(&BTreeMap::new()), "s");
        let read: ResponseText<'_> = serde_json::from_slice(&text).unwrap();
        assert_eq!(read.method_responses[0].0, "error");
        assert!(read.method_responses[0].1.get().contains("requestTooLarge"));
        assert_eq!(read.created_ids, Some(BTreeMap::new()));
    }
}
