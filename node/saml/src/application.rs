//! Applications of an organisation that its members sign in to here: service providers of the Web Browser SSO Profile (SAML
//! Profiles §4.1), to which we are the identity provider.
//!
//! An organisation is an identity provider of its own, with a name and keys of its own. Answers go to places that its administrators
//! have registered, and nowhere else; whatever an application asks is checked before anybody is shown a page.

pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod binding;
mod errand;
pub(crate) mod key;
mod metadata;
mod record;
mod rsa;
mod settings;
pub(crate) mod sign;

pub use answer::{Post, Refusal};
pub use ask::{AuthnRequest, Comparison, read_request};
pub use binding::Incoming;
pub use errand::{Errand, Taken};
pub use key::{KEY_SECRETS, ShownKey};
pub use metadata::{DescribedApplication, read_application};
pub use settings::{Application, ApplicationChange, ApplicationView};

/// Where a browser goes on whose request was taken.
pub const CONTINUE_PATH: &str = "/sso/saml/continue";

/// How applications know a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NameId {
    /// By a name of no meaning, another one for each application, the same for ever (Core §8.3.7).
    #[default]
    Persistent,
    /// By the mail address (Core §8.3.2).
    Email,
    /// By another name each time (Core §8.3.8).
    Transient,
}

impl NameId {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Persistent, Self::Email, Self::Transient];

    /// What people write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Email => "email",
            Self::Transient => "transient",
        }
    }
    /// What the standard calls it.
    #[must_use]
    pub fn format(self) -> &'static str {
        match self {
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Email => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        }
    }
    /// The one that people call so.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
    /// The one that the standard calls so.
    pub(crate) fn of_format(format: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.format() == format)
    }
}

/// What applications may be told of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The mail address.
    Mail,
    /// What they are called.
    Name,
    /// Their number, for ever.
    Number,
    /// Their other addresses.
    Aliases,
    /// What their organisation is called.
    Organisation,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Mail, Self::Name, Self::Number, Self::Aliases, Self::Organisation];

    /// What people write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Name => "name",
            Self::Number => "number",
            Self::Aliases => "aliases",
            Self::Organisation => "organisation",
        }
    }
    /// What the attribute is called unless it is said (RFC 4519, RFC 2798).
    #[must_use]
    pub fn usual_name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Name => "displayName",
            Self::Number => "uid",
            Self::Aliases => "mailAlternateAddress",
            Self::Organisation => "o",
        }
    }
    /// The one that people call so.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.word() == word)
    }
}

/// One thing that an application is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub fact: Fact,
    /// Under which name: the attribute's.
    pub name: String,
}

/// A place that takes answers by HTTP-POST: an assertion consumer service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Where it is.
    pub location: String,
    /// What requests may name it by.
    pub index: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_formats_lead_back() {
        for kind in NameId::ALL {
            assert_eq!(NameId::of_word(kind.word()), Some(kind));
            assert_eq!(NameId::of_format(kind.format()), Some(kind));
        }
        for fact in Fact::ALL {
            assert_eq!(Fact::of_word(fact.word()), Some(fact));
        }
        assert_eq!((NameId::of_word("kerberos"), Fact::of_word("password")), (None, None));
    }
}
