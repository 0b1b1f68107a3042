//! The server's side of answers (RFC 4511 §4).

use crate::ber::{ENUMERATED, INTEGER, OCTETS, SEQUENCE, SET, element, joined, message, number};
use crate::{PAGED, ResultCode};

/// RFC 4511 §4.4.1.
const DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";
/// What an extended operation is answered with.
pub(crate) const EXTENDED: u8 = 0x78;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What.
    pub code: ResultCode,
    /// The name of the lowest entry above what there is not (RFC 4511 §4.1.9).
    pub matched: String,
    /// For people.
    pub text: String,
}

impl Answer {
    /// An outcome with a reason.
    #[must_use]
    pub fn new(code: ResultCode, text: impl Into<String>) -> Self {
        Self {
            code,
            matched: String::new(),
            text: text.into(),
        }
    }
    /// It is done.
    #[must_use]
    pub fn success() -> Self {
        Self::new(ResultCode::SUCCESS, "")
    }
    fn parts(&self) -> Vec<Vec<u8>> {
        vec![
            number(ENUMERATED, self.code.0),
            element(OCTETS, self.matched.as_bytes()),
            element(OCTETS, self.text.as_bytes()),
        ]
    }
}

/// One attribute of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub name: &'static str,
    /// Its values; none when only types are wanted.
    pub values: Vec<String>,
}

/// An entry that a search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What of it is wanted.
    pub attributes: Vec<Attribute>,
}

/// The end of a request.
pub(crate) fn done(id: u32, tag: u8, answer: &Answer) -> Vec<u8> {
    message(id, joined(tag, &answer.parts()), None)
}

/// The end of a page, with what is needed for the next (RFC 2696 §2). How many there are is not said: 0.
pub(crate) fn page_done(id: u32, answer: &Answer, cookie: &[u8]) -> Vec<u8> {
    let value = joined(SEQUENCE, &[number(INTEGER, 0), element(OCTETS, cookie)]);
    let control = joined(SEQUENCE, &[element(OCTETS, PAGED.as_bytes()), element(OCTETS, &value)]);
    message(id, joined(0x65, &answer.parts()), Some(joined(0xa0, &[control])))
}

/// The end of an extended operation, with its name and what it gives.
pub(crate) fn extended(id: u32, answer: &Answer, name: Option<&str>, value: Option<&[u8]>) -> Vec<u8> {
    let mut parts = answer.parts();
    parts.extend(name.map(|name| element(0x8a, name.as_bytes())));
    parts.extend(value.map(|value| element(0x8b, value)));
    message(id, joined(EXTENDED, &parts), None)
}

/// That the server hangs up, and why.
#[must_use]
pub fn disconnection(answer: &Answer) -> Vec<u8> {
    extended(0, answer, Some(DISCONNECTION), None)
}

/// One entry.
pub(crate) fn found(id: u32, found: &Found) -> Vec<u8> {
    let attributes: Vec<Vec<u8>> = found.attributes.iter().map(attribute).collect();
    let parts = [element(OCTETS, found.name.as_bytes()), joined(SEQUENCE, &attributes)];
    message(id, joined(0x64, &parts), None)
}

fn attribute(attribute: &Attribute) -> Vec<u8> {
    let values = attribute.values.iter().map(|value| element(OCTETS, value.as_bytes()));
    let parts = [
        element(OCTETS, attribute.name.as_bytes()),
        joined(SET, &values.collect::<Vec<_>>()),
    ];
    joined(SEQUENCE, &parts)
}
