//! Names of the mechanisms we speak.

use std::fmt;

/// An authentication mechanism of the IANA registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// PLAIN (RFC 4616): only under TLS.
    Plain,
    /// LOGIN (draft-murchison-sasl-login): obsolete, but what many clients still try first. Only under TLS.
    Login,
    /// SCRAM-SHA-256 (RFC 5802, RFC 7677).
    ScramSha256,
    /// SCRAM-SHA-256-PLUS: bound to the TLS channel.
    ScramSha256Plus,
    /// OAUTHBEARER (RFC 7628): a token. Only under TLS.
    OauthBearer,
    /// XOAUTH2: the same as many clients still say it. Only under TLS.
    Xoauth2,
}

impl Mechanism {
    /// All of them, the strongest first: the order in which they are advertised.
    pub const ALL: [Self; 6] = [
        Self::ScramSha256Plus,
        Self::ScramSha256,
        Self::Plain,
        Self::Login,
        Self::OauthBearer,
        Self::Xoauth2,
    ];

    /// Registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// The mechanism of that name, in any case (RFC 4422 §3.1 wants upper case; clients differ).
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| name.eq_ignore_ascii_case(mechanism.name().as_bytes()))
    }

    /// Whether the password, or a token, itself crosses the wire, so that TLS is required.
    #[must_use]
    pub fn sends_password(self) -> bool {
        matches!(self, Self::Plain | Self::Login | Self::OauthBearer | Self::Xoauth2)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
