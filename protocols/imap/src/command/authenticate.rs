//! AUTHENTICATE (RFC 9051 §6.2.2) with an initial response (SASL-IR, RFC 4959):
//! `"AUTHENTICATE" SP auth-type [SP initial-resp]`. Later responses are lines of base64.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Refusal;
use crate::parser::{Parsed, Parser};

/// Begins a SASL exchange.
#[derive(Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// Mechanism, in capitals.
    pub mechanism: String,
    /// What the client sent along; empty for `=`.
    pub initial: Option<Vec<u8>>,
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authenticate({}, ..)", self.mechanism)
    }
}

impl Authenticate {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let mechanism = parser.atom_str()?.to_ascii_uppercase();
        let mut initial = None;
        if parser.skip(b' ') {
            let text = parser.take_while(|byte| byte != b' ');
            initial = Some(if text == b"=" { Vec::new() } else { decode(text)? });
        }
        Ok(Self { mechanism, initial })
    }
}

/// A response line; `None` is `*`, the client gives up.
pub(crate) fn parse_response(line: &[u8]) -> Parsed<Option<Vec<u8>>> {
    if line == b"*" {
        return Ok(None);
    }
    decode(line).map(Some)
}

fn decode(text: &[u8]) -> Parsed<Vec<u8>> {
    STANDARD
        .decode(text)
        .map_err(|_| Refusal::bad("Response is not base64"))
}

/// Base64 of a challenge.
pub(crate) fn encode(challenge: &[u8]) -> String {
    STANDARD.encode(challenge)
}
