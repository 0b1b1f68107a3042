//! What a client may do: by which protocols, and whether it may change anything.

use std::collections::BTreeSet;
use std::fmt;

use crate::Protocol;

/// What a client may do. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The ways in that it opens.
    pub protocols: BTreeSet<Protocol>,
    /// Whether it lets one look and change nothing.
    pub read_only: bool,
}

fn word(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Imap => Some("imap"),
        Protocol::Pop3 => Some("pop3"),
        Protocol::Submission => Some("submission"),
        Protocol::Http => Some("jmap"),
        Protocol::Web => None,
    }
}

impl Scope {
    /// All words there are.
    pub const WORDS: [&'static str; 7] = [
        "mail",
        "imap",
        "pop3",
        "submission",
        "jmap",
        "read-only",
        "offline_access",
    ];

    /// All of it.
    #[must_use]
    pub fn all() -> Self {
        Self {
            protocols: Protocol::CLIENTS.into(),
            read_only: false,
        }
    }

    /// Reads words with spaces between them (RFC 6749 §3.3). `mail` is all protocols; `offline_access` changes nothing, as
    /// there is always a refresh token. Nothing for words that do not exist, or that leave nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut scope = Self {
            protocols: BTreeSet::new(),
            read_only: false,
        };
        for name in text.split(' ').filter(|word| !word.is_empty()) {
            match name {
                "mail" => scope.protocols.extend(Protocol::CLIENTS),
                "read-only" => scope.read_only = true,
                "offline_access" => {}
                name => {
                    let mut known = Protocol::CLIENTS.into_iter();
                    let protocol = known.find(|protocol| word(*protocol) == Some(name))?;
                    scope.protocols.insert(protocol);
                }
            }
        }
        if scope.read_only {
            scope.protocols.remove(&Protocol::Submission);
        }
        (!scope.protocols.is_empty()).then_some(scope)
    }

    /// Whether it is no more than `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.protocols.is_subset(&other.protocols) && (self.read_only || !other.read_only)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.protocols.iter().filter_map(|protocol| word(*protocol));
        let words: Vec<_> = protocols.chain(self.read_only.then_some("read-only")).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let check = |text: &str, expect: Option<&str>| {
            let scope = Scope::read(text);
            let shown = scope.as_ref().map(ToString::to_string);
            assert_eq!(shown.as_deref(), expect, "{text}");
            if let Some(shown) = shown {
                assert_eq!(Scope::read(&shown), scope);
            }
        };
        check("imap", Some("imap"));
        check("mail offline_access", Some("imap pop3 submission jmap"));
        check("jmap  imap imap", Some("imap jmap"));
        check("mail read-only", Some("imap pop3 jmap read-only"));
        check("submission read-only", None);
        check("read-only", None);
        check("offline_access", None);
        check("", None);
        check("imap everything", None);
        check("web", None);
    }

    #[test]
    fn one_scope_is_within_another() {
        let check = |inner: &str, outer: &str, expect: bool| {
            let within = Scope::read(inner).unwrap().is_within(&Scope::read(outer).unwrap());
            assert_eq!(within, expect, "{inner} in {outer}");
        };
        check("imap", "mail", true);
        check("mail", "imap", false);
        check("imap read-only", "imap", true);
        check("imap", "imap read-only", false);
        check("imap", "imap", true);
    }
}
