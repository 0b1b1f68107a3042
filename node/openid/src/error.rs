//! Why nobody is signed in.

use hongyan_access::AccessError;
use hongyan_fetch::FetchError;

/// What a provider did wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not answer as it should.
    #[error("the provider's {0}: {1}")]
    Fetch(&'static str, FetchError),
    /// It answers with another status, and perhaps an error code.
    #[error("the provider's {what} answers with status {status} {code}")]
    Status {
        /// What was asked.
        what: &'static str,
        /// The status.
        status: u16,
        /// The code of RFC 6749 §5.2, if it gives one.
        code: String,
    },
    /// It answers with something else than was asked for.
    #[error("the provider's {0} cannot be read")]
    Unreadable(&'static str),
    /// What it says of itself is another's.
    #[error("the provider calls itself {0:?}, which is not its issuer in the settings")]
    Issuer(String),
    /// An address that is needed is not there, or not one that can be asked.
    #[error("the provider says nothing usable of its {0}")]
    EndPoint(&'static str),
    /// The token is signed in a way that is not taken, or not at all.
    #[error("the token is signed with {0:?}, which is not taken")]
    Algorithm(String),
    /// The provider has no key by that name.
    #[error("the token is signed with a key that the provider does not show")]
    Key,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is missing or is not what it has to be.
    #[error("the token's claim {0} is missing or wrong")]
    Claim(&'static str),
    /// Its time is over, or has not come; clocks may differ by the tolerance.
    #[error("the token is not good at this time ({0}): are the clocks right?")]
    Time(&'static str),
}

/// Why single sign-on does not work.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdError {
    /// The organisation has no provider.
    #[error("the organisation has no single sign-on")]
    NoProvider,
    /// The way back does not belong to a way there of this browser, or took too long.
    #[error("this sign-in was not begun in this browser, or took too long: begin again")]
    Attempt,
    /// The provider has not let them in, for that reason.
    #[error("the provider has not signed you in ({0})")]
    Denied(String),
    /// The provider is at fault.
    #[error(transparent)]
    Provider(#[from] Fault),
    /// Nobody here is whom the provider names.
    #[error("{0} is nobody here: ask an administrator to make the account, or link it in the security settings")]
    Nobody(String),
    /// The identity is linked with another account.
    #[error("this identity is linked with another account")]
    Taken,
    /// Sign-in refuses.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The secret that we prove ourselves with does not open.
    #[error("the secret that the provider gave the server cannot be used: an administrator has to set it anew")]
    Sealed(#[from] hongyan_seal::SealError),
    /// Too many at the moment.
    #[error("too many sign-ins at the moment")]
    Overloaded,
}

impl From<hongyan_directory::Error> for OpenIdError {
    fn from(error: hongyan_directory::Error) -> Self {
        Self::Access(error.into())
    }
}

impl From<hongyan_kv::Error> for OpenIdError {
    fn from(error: hongyan_kv::Error) -> Self {
        Self::Access(hongyan_directory::Error::from(error).into())
    }
}

impl OpenIdError {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Overloaded | Self::Provider(_) => true,
            Self::Access(error) => error.is_temporary(),
            _ => false,
        }
    }
    /// What a person may read: nothing of our inside.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Access(error) => error.text(),
            other => other.to_string(),
        }
    }
}
