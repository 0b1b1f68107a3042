//! Why a command was not accepted: what the client reads instead of a result.

use std::borrow::Cow;

use crate::Code;

/// The condition of a status response (RFC 9051 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Done.
    Ok,
    /// Understood, not done.
    No,
    /// Not understood, or not now.
    Bad,
}

impl Condition {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
        }
    }
}

/// A command that is answered without being carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// NO or BAD.
    pub condition: Condition,
    /// Response code for programs.
    pub code: Option<Code>,
    /// Words for people.
    pub text: Cow<'static, str>,
}

impl Refusal {
    /// The syntax is wrong.
    #[must_use]
    pub fn bad(text: &'static str) -> Self {
        Self {
            condition: Condition::Bad,
            code: None,
            text: Cow::Borrowed(text),
        }
    }
    /// The syntax is wrong in a way `code` names.
    #[must_use]
    pub fn bad_with(code: Code, text: &'static str) -> Self {
        Self {
            condition: Condition::Bad,
            code: Some(code),
            text: Cow::Borrowed(text),
        }
    }
    /// Understood, but refused for the reason `code`.
    #[must_use]
    pub fn no(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            condition: Condition::No,
            code: Some(code),
            text: text.into(),
        }
    }
}
