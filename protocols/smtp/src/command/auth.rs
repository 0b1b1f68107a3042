//! AUTH (RFC 4954 §4).
//!
//! `auth = "AUTH" SP sasl-mech [SP initial-response] CRLF ; initial-response = base64 / "="`

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hongyan_sasl::Mechanism;

use super::SYNTAX;
use crate::Enhanced;
use crate::reply::Reply;

/// Begins an authentication exchange.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// How.
    pub mechanism: Mechanism,
    /// Initial response, decoded; `Some(empty)` was sent as `=`.
    pub initial: Option<Vec<u8>>,
}

impl Auth {
    pub(super) fn parse(argument: &str) -> Result<Self, Reply> {
        let (name, initial) = match argument.split_once(' ') {
            Some((name, initial)) => (name, Some(initial.trim_start_matches(' '))),
            None => (argument, None),
        };
        if name.is_empty() {
            return Err(SYNTAX);
        }
        let mechanism = Mechanism::from_name(name.as_bytes()).ok_or(UNKNOWN_MECHANISM)?;
        let initial = match initial {
            None => None,
            Some("=") => Some(Vec::new()),
            Some(text) => Some(STANDARD.decode(text).map_err(|_| BAD_BASE64)?),
        };
        Ok(Self { mechanism, initial })
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AUTH {}", self.mechanism)?;
        match &self.initial {
            Some(initial) if initial.is_empty() => f.write_str(" ="),
            Some(initial) => write!(f, " {}", STANDARD.encode(initial)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Auth({})", self.mechanism)
    }
}

pub(crate) const UNKNOWN_MECHANISM: Reply =
    Reply::fixed(504, Enhanced(5, 5, 4), "Authentication mechanism not supported");
pub(crate) const BAD_BASE64: Reply = Reply::fixed(501, Enhanced(5, 5, 2), "Authentication data is not base64");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_and_faults() {
        for text in ["AUTH LOGIN", "AUTH PLAIN =", "AUTH SCRAM-SHA-256 biws"] {
            let auth = Auth::parse(text.strip_prefix("AUTH ").unwrap()).unwrap();
            assert_eq!(auth.to_string(), text);
        }
        assert_eq!(Auth::parse("NTLM").unwrap_err().code, 504);
        assert_eq!(Auth::parse("PLAIN !").unwrap_err().code, 501);
        assert_eq!(Auth::parse("").unwrap_err().code, 501);
        assert_eq!(format!("{:?}", Auth::parse("PLAIN AGEAYg==").unwrap()), "Auth(PLAIN)");
    }
}
