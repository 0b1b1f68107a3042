//! Why a directory does not help.

use hongyan_access::AccessError;
use hongyan_fetch::FetchError;
use hongyan_ldap_wire::Malformed;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum LdapError {
    /// The organisation has none.
    #[error("the organisation has no LDAP directory")]
    NoDirectory,
    /// It cannot be reached.
    #[error("the LDAP directory cannot be asked: {0}")]
    Reach(#[from] FetchError),
    /// The connection broke.
    #[error("the LDAP directory has hung up: {0}")]
    HungUp(String),
    /// It took too long.
    #[error("the LDAP directory has not answered all within {0} s; nothing was done")]
    TooSlow(u64),
    /// What it answers is no LDAP.
    #[error("what the LDAP directory answers is no LDAP")]
    Malformed,
    /// It answers something that was not asked.
    #[error("the LDAP directory answers {0} with something else")]
    Unexpected(&'static str),
    /// It refuses.
    #[error("the LDAP directory refuses {what}: {name} ({code}) {text}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The code of RFC 4511 §4.1.9.
        code: u32,
        /// Its name.
        name: &'static str,
        /// What the directory says.
        text: String,
    },
    /// It has more people than are read.
    #[error("the LDAP directory has more than ldap.entries_max entries ({0}); nothing was done")]
    TooMany(usize),
    /// It answers with more than is read.
    #[error("the LDAP directory answers with more than ldap.octets_max octets ({0}); nothing was done")]
    TooMuch(usize),
    /// One answer is longer than is read.
    #[error("the LDAP directory's answer has more than ldap.answer_octets_max octets ({0}); nothing was done")]
    AnswerTooLong(usize),
    /// It promises more and more and sends nothing.
    #[error("the LDAP directory sends pages without entries and without end; nothing was done")]
    Endless,
    /// Too much is asked of directories at the moment.
    #[error("too many sign-ins at the moment")]
    Overloaded,
    /// Its password was sealed with a key that is not here.
    #[error("the password of the LDAP directory cannot be read: {0}")]
    Sealed(#[from] hongyan_seal::SealError),
    /// Our own directory refuses or fails.
    #[error(transparent)]
    Directory(#[from] hongyan_directory::Error),
    /// Sign-in fails.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<Malformed> for LdapError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<hongyan_kv::Error> for LdapError {
    fn from(error: hongyan_kv::Error) -> Self {
        Self::Directory(error.into())
    }
}

impl LdapError {
    /// Whether it is our store that fails, and the same may succeed soon: whatever else is told to the administrator.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Directory(error) => error.is_temporary(),
            Self::Access(error) => error.is_temporary(),
            _ => false,
        }
    }
}
