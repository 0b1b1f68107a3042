//! What the server answers.

use std::fmt;

/// Machine-readable reasons of an `-ERR` (RFC 2449 §8, RFC 3206, RFC 6856 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseCode {
    /// Another session has the maildrop.
    InUse,
    /// Too soon after the last sign-in.
    LoginDelay,
    /// The credentials are wrong, or the account may not sign in.
    Auth,
    /// A fault of ours that will pass.
    SysTemp,
    /// A fault of ours that will not pass by itself.
    SysPerm,
    /// The client must say UTF8 first.
    Utf8,
}

impl ResponseCode {
    const ALL: [Self; 6] = [
        Self::InUse,
        Self::LoginDelay,
        Self::Auth,
        Self::SysTemp,
        Self::SysPerm,
        Self::Utf8,
    ];
    /// As written between the brackets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::Auth => "AUTH",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
            Self::Utf8 => "UTF8",
        }
    }
    /// Splits a code off the text of an `-ERR`.
    pub(crate) fn split(text: &str) -> (Option<Self>, &str) {
        let split = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let Some((name, rest)) = split else {
            return (None, text);
        };
        let code = Self::ALL
            .into_iter()
            .find(|code| code.name().eq_ignore_ascii_case(name));
        (code, rest.trim_start())
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An answer to a command. Texts must be one line; control characters are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK text`.
    Ok(String),
    /// `-ERR [code] text`.
    Err(Option<ResponseCode>, String),
    /// `+ base64`: another step of a SASL exchange.
    Challenge(Vec<u8>),
    /// Signed in: `+OK text`, and the session is in the TRANSACTION state.
    SignedIn(String),
    /// `+OK text` and a multi-line body, to be handed to [`crate::server::Session::push`] and ended with
    /// [`crate::server::Session::finish`].
    Begin(String),
}

impl Reply {
    /// `-ERR` without a code.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self::Err(None, text.into())
    }
}

/// Appends `text` without what would end the line.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|octet| !octet.is_ascii_control()));
}
