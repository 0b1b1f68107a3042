//! What a client may do: by which protocols, whether it may change anything, and what it hears of the member.

use std::collections::BTreeSet;
use std::fmt;

use crate::Protocol;

/// What a client hears of a member (OpenID Connect Core 1.0 §5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Who it is, and that they have signed in.
    OpenId,
    /// Their name.
    Profile,
    /// Their address.
    Email,
}

const CLAIMS: [(Claim, &str); 3] = [
    (Claim::OpenId, "openid"),
    (Claim::Profile, "profile"),
    (Claim::Email, "email"),
];

/// The ways to mail that tokens open.
fn mail() -> impl Iterator<Item = Protocol> {
    Protocol::CLIENTS
        .into_iter()
        .filter(|protocol| word(*protocol).is_some())
}

/// What a client may do. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The ways in that it opens.
    pub protocols: BTreeSet<Protocol>,
    /// Whether it lets one look and change nothing.
    pub read_only: bool,
    /// What it hears of the member.
    pub claims: BTreeSet<Claim>,
}

fn word(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Imap => Some("imap"),
        Protocol::Pop3 => Some("pop3"),
        Protocol::Submission => Some("submission"),
        Protocol::Http => Some("jmap"),
        // The directory and phones ask with a password: LDAP and ActiveSync have no bearer tokens here.
        Protocol::Web | Protocol::Ldap | Protocol::ActiveSync => None,
    }
}

impl Scope {
    /// All words there are.
    pub const WORDS: [&'static str; 10] = [
        "mail",
        "imap",
        "pop3",
        "submission",
        "jmap",
        "read-only",
        "offline_access",
        "openid",
        "profile",
        "email",
    ];

    /// All of mail.
    #[must_use]
    pub fn all() -> Self {
        Self {
            protocols: mail().collect(),
            read_only: false,
            claims: BTreeSet::new(),
        }
    }

    /// Whether it is about a member and not about mail.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.protocols.is_empty()
    }

    /// Whether a client hears that.
    #[must_use]
    pub fn has(&self, claim: Claim) -> bool {
        self.claims.contains(&claim)
    }

    /// Reads words with spaces between them (RFC 6749 §3.3). `mail` is all protocols; `offline_access` changes nothing, as
    /// there is always a refresh token. Nothing for words that do not exist, or that leave nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut scope = Self {
            protocols: BTreeSet::new(),
            read_only: false,
            claims: BTreeSet::new(),
        };
        for name in text.split(' ').filter(|word| !word.is_empty()) {
            match name {
                "mail" => scope.protocols.extend(mail()),
                "read-only" => scope.read_only = true,
                "offline_access" => {}
                name if CLAIMS.iter().any(|(_, known)| *known == name) => {
                    let found = CLAIMS.iter().filter(|(_, known)| *known == name);
                    scope.claims.extend(found.map(|(claim, _)| *claim));
                }
                name => {
                    let protocol = mail().find(|protocol| word(*protocol) == Some(name))?;
                    scope.protocols.insert(protocol);
                }
            }
        }
        if scope.read_only {
            scope.protocols.remove(&Protocol::Submission);
        }
        (!scope.protocols.is_empty() || scope.has(Claim::OpenId)).then_some(scope)
    }

    /// Whether it is no more than `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.protocols.is_subset(&other.protocols)
            && (self.read_only || !other.read_only || self.is_identity())
            && self.claims.is_subset(&other.claims)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.protocols.iter().filter_map(|protocol| word(*protocol));
        let claims = CLAIMS.iter().filter(|(claim, _)| self.has(*claim));
        let words = protocols.chain(self.read_only.then_some("read-only"));
        let words: Vec<_> = words.chain(claims.map(|(_, word)| *word)).collect();
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
        check("openid", Some("openid"));
        check("email openid profile", Some("openid profile email"));
        check("openid imap", Some("imap openid"));
        check("email", None);
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
        check("openid", "imap openid", true);
        check("openid email", "imap openid", false);
        check("openid", "imap read-only openid", true);
    }
}
