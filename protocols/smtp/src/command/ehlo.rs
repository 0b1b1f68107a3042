//! EHLO, HELO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1).
//!
//! `ehlo = "EHLO" SP ( Domain / address-literal ) CRLF`

use std::fmt;

use super::{BAD_ARGUMENT, SYNTAX};
use crate::mailbox::Host;
use crate::reply::Reply;

/// Which greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelloKind {
    /// HELO: no extensions.
    Helo,
    /// EHLO.
    Ehlo,
    /// LHLO: LMTP only.
    Lhlo,
}

/// The client's greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Which.
    pub kind: HelloKind,
    /// How the client calls itself: trace information, never trusted.
    pub name: String,
}

impl Hello {
    pub(super) fn parse(kind: HelloKind, argument: &str) -> Result<Self, Reply> {
        if argument.is_empty() {
            return Err(SYNTAX);
        }
        // Departs from RFC 5321 §4.1.1.1: clients behind home routers announce names such as `my pc` or `pc_1`; any single
        // printable word is taken, since it is only written into the trace.
        let fine = Host::parse(argument).is_some()
            || (argument.len() <= 255
                && argument
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"<>()\\".contains(&byte)));
        if !fine {
            return Err(BAD_ARGUMENT);
        }
        Ok(Self {
            kind,
            name: argument.to_owned(),
        })
    }
}

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.kind {
            HelloKind::Helo => "HELO",
            HelloKind::Ehlo => "EHLO",
            HelloKind::Lhlo => "LHLO",
        };
        write!(f, "{verb} {}", self.name)
    }
}
