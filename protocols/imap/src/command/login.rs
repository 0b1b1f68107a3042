//! LOGIN (RFC 9051 §6.2.3): `"LOGIN" SP userid SP password`.

use std::fmt;

use crate::parser::{Parsed, Parser};

/// Name and password in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub user: String,
    /// The password, never shown.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({}, ..)", self.user)
    }
}

impl Login {
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        parser.space()?;
        let user = parser.astring_utf8()?;
        parser.space()?;
        let password = parser.astring_utf8()?;
        Ok(Self { user, password })
    }
}
