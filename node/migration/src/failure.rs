//! Why the work on an account stops.

use hongyan_kv::Error;

/// Why the work on an account stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The source does not take the password.
    #[error("the source does not let the account in: {0}")]
    SignIn(String),
    /// The administrator's account may not read it (MIG-8).
    #[error("the administrator's account may not read it: {0}")]
    NoRight(String),
    /// The place of the source may not be asked.
    #[error("the source is neither at a public address nor in a network that may be asked")]
    NotAllowed,
    /// It is away, slow, or has had enough for now.
    #[error("{0}")]
    Slow(String),
    /// It keeps to no protocol or no limit.
    #[error("{0}")]
    Broken(String),
    /// The mailbox here is full.
    #[error("the mailbox is full")]
    Full,
    /// The mailbox here does not answer.
    #[error("the mailbox does not answer: {0}")]
    Target(String),
    /// The account here is gone.
    #[error("the account does not exist any more")]
    Gone,
    /// There is no password, or none that can be read.
    #[error("{0}")]
    NoPassword(String),
    /// The migration does not move any more, or moves elsewhere.
    #[error("the migration was stopped")]
    Stopped,
    /// The store.
    #[error("the store: {0}")]
    Storage(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Fenced => Self::Stopped,
            error => Self::Storage(error),
        }
    }
}

impl hongyan_kv::AsStorageError for Failure {
    fn as_storage_error(&self) -> Option<&Error> {
        match self {
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}

/// Words by which servers say that it is too much for now, where they have no code for it.
const PATIENCE: [&str; 9] = [
    "too many",
    "too much",
    "try again",
    "later",
    "temporar",
    "throttl",
    "rate limit",
    "busy",
    "unavailable",
];

/// What a refusal of a sign-in means (RFC 5530).
pub(crate) fn refused(code: Option<&str>, text: &str, is_delegated: bool) -> Failure {
    let code = code.unwrap_or_default();
    let words = text.to_lowercase();
    let text = shown(text);
    match code.split(' ').next().unwrap_or_default() {
        "UNAVAILABLE" | "LIMIT" | "INUSE" | "SERVERBUG" | "IN-USE" | "SYS/TEMP" | "LOGIN-DELAY" => Failure::Slow(text),
        "AUTHORIZATIONFAILED" | "NOPERM" => Failure::NoRight(text),
        "AUTHENTICATIONFAILED" | "EXPIRED" | "AUTH" if is_delegated => Failure::NoRight(text),
        "AUTHENTICATIONFAILED" | "EXPIRED" | "AUTH" => Failure::SignIn(text),
        _ if PATIENCE.iter().any(|word| words.contains(word)) => Failure::Slow(text),
        _ if is_delegated => Failure::NoRight(text),
        _ => Failure::SignIn(text),
    }
}

/// What a server says, as far as it is shown to people.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    if cut.is_empty() {
        "it gives no reason".to_owned()
    } else {
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mig_11_a_refusal_has_its_reason() {
        let check = |code: Option<&str>, text: &str, delegated, expect: fn(String) -> Failure| {
            assert_eq!(refused(code, text, delegated), expect(text.to_owned()));
        };
        check(Some("AUTHENTICATIONFAILED"), "wrong", false, Failure::SignIn);
        check(None, "LOGIN failed", false, Failure::SignIn);
        check(None, "LOGIN failed", true, Failure::NoRight);
        check(Some("AUTHORIZATIONFAILED"), "no", true, Failure::NoRight);
        check(Some("UNAVAILABLE"), "wrong", false, Failure::Slow);
        check(None, "Too many simultaneous connections", false, Failure::Slow);
        assert_eq!(shown("a\r\nb"), "ab");
    }
}
