//! The client's side: requests as they are sent and answers as they are read (RFC 4511 §4), with the control that asks page
//! by page (RFC 2696).

use std::collections::BTreeMap;

use crate::ber::{BOOLEAN, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET, element, joined, message, number};
use crate::{Filter, Malformed, PAGED, ResultCode, START_TLS};

/// What became of a request (RFC 4511 §4.1.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What.
    pub code: ResultCode,
    /// What the server says of it.
    pub text: String,
}

/// What was found: its name, and its values by attribute, whose names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its distinguished name.
    pub name: String,
    /// Its values.
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A bind is over.
    Bound(Outcome),
    /// This was found.
    Entry(Entry),
    /// More would be found elsewhere.
    Reference,
    /// A search is over.
    Searched(Outcome),
    /// An extended operation is over.
    Extended(Outcome),
    /// Whatever else.
    Other(u8),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// To which request; 0 for what nobody asked for.
    pub id: u32,
    /// What it says.
    pub operation: Operation,
    /// Where the next page begins; empty at the end.
    pub cookie: Vec<u8>,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct SearchRequest<'q> {
    /// Below which name.
    pub base: &'q str,
    /// What holds of it.
    pub filter: &'q Filter,
    /// Which attributes of it are wanted.
    pub attributes: &'q [String],
    /// Entries of a page.
    pub page: u32,
    /// Where the page begins; empty for the first.
    pub cookie: &'q [u8],
    /// How long the server may take, in seconds.
    pub within_secs: u32,
}

/// A simple bind (RFC 4511 §4.2). Who asks makes sure that the password is not empty: that would prove nothing (RFC 4513
/// §5.1.2).
#[must_use]
pub fn bind(id: u32, name: &str, password: &str) -> Vec<u8> {
    let parts = [
        number(INTEGER, 3),
        element(OCTETS, name.as_bytes()),
        element(0x80, password.as_bytes()),
    ];
    message(id, joined(0x60, &parts), None)
}

/// The end (RFC 4511 §4.3).
#[must_use]
pub fn unbind(id: u32) -> Vec<u8> {
    message(id, element(0x42, &[]), None)
}

/// TLS from here on (RFC 4511 §4.14).
#[must_use]
pub fn start_tls(id: u32) -> Vec<u8> {
    message(id, joined(0x77, &[element(0x80, START_TLS.as_bytes())]), None)
}

/// A page of what is below a base (RFC 4511 §4.5). A server that knows no pages answers with all of it.
#[must_use]
pub fn search(id: u32, request: &SearchRequest<'_>) -> Vec<u8> {
    let attributes: Vec<Vec<u8>> = request
        .attributes
        .iter()
        .map(|name| element(OCTETS, name.as_bytes()))
        .collect();
    let parts = [
        element(OCTETS, request.base.as_bytes()),
        // The whole tree.
        number(ENUMERATED, 2),
        // Aliases are never followed, or people could come twice.
        number(ENUMERATED, 0),
        number(INTEGER, 0),
        number(INTEGER, request.within_secs),
        element(BOOLEAN, &[0]),
        request.filter.encode(),
        joined(SEQUENCE, &attributes),
    ];
    let paged = [number(INTEGER, request.page), element(OCTETS, request.cookie)];
    let control = [
        element(OCTETS, PAGED.as_bytes()),
        element(OCTETS, &joined(SEQUENCE, &paged)),
    ];
    let controls = joined(0xa0, &[joined(SEQUENCE, &control)]);
    message(id, joined(0x63, &parts), Some(controls))
}

fn outcome(mut reader: Reader<'_>) -> Result<Outcome, Malformed> {
    let code = ResultCode(reader.expect(ENUMERATED)?.number()?);
    reader.expect(OCTETS)?;
    let text = reader.expect(OCTETS)?.text();
    Ok(Outcome { code, text })
}

fn entry(mut reader: Reader<'_>) -> Result<Entry, Malformed> {
    let name = std::str::from_utf8(reader.expect(OCTETS)?.body).map_err(|_| Malformed)?;
    let mut entry = Entry {
        name: name.to_owned(),
        attributes: BTreeMap::new(),
    };
    let mut attributes = reader.expect(SEQUENCE)?.inside();
    while let Some(attribute) = attributes.next()? {
        if attribute.tag != SEQUENCE {
            return Err(Malformed);
        }
        let mut attribute = attribute.inside();
        let name = attribute.expect(OCTETS)?.text().to_ascii_lowercase();
        let mut values = attribute.expect(SET)?.inside();
        let list = entry.attributes.entry(name).or_default();
        while let Some(value) = values.next()? {
            if value.tag != OCTETS {
                return Err(Malformed);
            }
            list.push(value.body.to_vec());
        }
    }
    Ok(entry)
}

/// The cookie among the controls.
fn cookie(mut controls: Reader<'_>) -> Result<Vec<u8>, Malformed> {
    while let Some(control) = controls.next()? {
        let mut parts = control.inside();
        if parts.expect(OCTETS)?.body != PAGED.as_bytes() {
            continue;
        }
        while let Some(part) = parts.next()? {
            if part.tag == OCTETS {
                let mut value = part.inside().expect(SEQUENCE)?.inside();
                value.expect(INTEGER)?;
                return Ok(value.expect(OCTETS)?.body.to_vec());
            }
        }
    }
    Ok(Vec::new())
}

impl Response {
    /// Reads a whole message.
    ///
    /// # Errors
    /// It is none.
    pub fn read(octets: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(octets).expect(SEQUENCE)?.inside();
        let id = reader.expect(INTEGER)?.number()?;
        let element = reader.next()?.ok_or(Malformed)?;
        let operation = match element.tag {
            0x61 => Operation::Bound(outcome(element.inside())?),
            0x64 => Operation::Entry(entry(element.inside())?),
            0x65 => Operation::Searched(outcome(element.inside())?),
            0x73 => Operation::Reference,
            0x78 => Operation::Extended(outcome(element.inside())?),
            other => Operation::Other(other),
        };
        let mut cookie_of_page = Vec::new();
        while let Some(rest) = reader.next()? {
            // Others than controls stand here where Active Directory says that it hangs up.
            if rest.tag == 0xa0 {
                cookie_of_page = cookie(rest.inside())?;
            }
        }
        Ok(Self {
            id,
            operation,
            cookie: cookie_of_page,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_the_rfc_says() {
        let bound = b"\x30\x11\x02\x01\x01\x60\x0c\x02\x01\x03\x04\x04cn=a\x80\x01p";
        assert_eq!(bind(1, "cn=a", "p"), bound);
        assert_eq!(unbind(2), b"\x30\x05\x02\x01\x02\x42\x00");
        assert!(start_tls(1).ends_with(b"1.3.6.1.4.1.1466.20037"));
    }

    #[test]
    fn answers_are_read() {
        let done = b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00";
        let outcome = Outcome {
            code: ResultCode::SUCCESS,
            text: String::new(),
        };
        assert_eq!(
            Response::read(done),
            Ok(Response {
                id: 2,
                operation: Operation::Searched(outcome),
                cookie: Vec::new()
            })
        );
        let values = joined(SET, &[element(OCTETS, b"A"), element(OCTETS, b"B")]);
        let attribute = joined(SEQUENCE, &[element(OCTETS, b"Mail"), values]);
        let found = joined(0x64, &[element(OCTETS, b"cn=a"), joined(SEQUENCE, &[attribute])]);
        let read = Response::read(&message(3, found, None)).unwrap();
        let Operation::Entry(entry) = read.operation else {
            panic!("{read:?}")
        };
        assert_eq!(entry.name, "cn=a");
        assert_eq!(entry.attributes["mail"], [b"A".to_vec(), b"B".to_vec()]);
        let paged = joined(SEQUENCE, &[number(INTEGER, 0), element(OCTETS, b"next")]);
        let control = joined(
            SEQUENCE,
            &[
                element(OCTETS, PAGED.as_bytes()),
                element(BOOLEAN, &[255]),
                element(OCTETS, &paged),
            ],
        );
        let done = [number(ENUMERATED, 0), element(OCTETS, b""), element(OCTETS, b"")];
        let read = Response::read(&message(3, joined(0x65, &done), Some(joined(0xa0, &[control])))).unwrap();
        assert_eq!(read.cookie, b"next");
    }

    #[test]
    fn octets_never_panic() {
        let whole = b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00";
        for end in 0..whole.len() {
            assert_eq!(Response::read(&whole[..end]), Err(Malformed));
        }
        for place in 0..whole.len() {
            for octet in 0..=255 {
                let mut wrong = whole.to_vec();
                wrong[place] = octet;
                let _ = Response::read(&wrong);
            }
        }
    }
}
